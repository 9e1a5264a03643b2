import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";

import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";

import { run, type Running, startRun } from "./world.ts";

/** Commands that speak with a registry, against a real one that runs in this process. */
let root: TemporaryFolder;
let server: Running;
let registry = "";
const at = (...path: string[]): string => join(root.path, ...path);

beforeAll(async () => {
  root = await temporaryFolder("commands");
  await writeFiles(at(), {
    "home/.keep": "",
    "other/.keep": "",
    "left/land.json":
      '{ "name": "left", "version": "1.2.0", "description": "Pads left", "license": "MIT" }',
    "left/README.md": "# left\n",
  });
  server = startRun(["serve", "--data", at("data"), "--port", "0", "--log-level", "off"], {
    now: () => new Date(),
  });
  await server.shows("land is listening on");
  registry = /http:\S+/.exec(server.stdout())?.[0] ?? "";
});
afterAll(async () => {
  server.send("SIGTERM");
  expect((await server.done).exitCode).toBe(0);
  await root[Symbol.asyncDispose]();
});

const land = (
  argv: string[],
  more: { cwd?: string; home?: string; env?: Record<string, string>; input?: string } = {},
) =>
  run(argv, {
    cwd: more.cwd ?? at("home"),
    home: at(more.home ?? "home"),
    env: { LAND_REGISTRY: registry, ...more.env },
    now: () => new Date(),
    ...(more.input !== undefined && { input: more.input }),
  });

const account = ["--username", "ada", "--password-stdin"];

test("register keeps the credential, readable by the user alone", async () => {
  const ran = await land(["register", ...account, "--email", "ada@example.com"], {
    input: "correct horse battery\n",
  });
  expect(ran).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: `Made the account ada on ${registry}, and signed in\n`,
    json: expect.any(Function),
  });
  const file = Bun.file(at("home/.land/credentials.json"));
  expect((await file.stat()).mode & 0o777).toBe(0o600);
  expect((await land(["whoami"])).stdout).toBe("ada\n");
});

test("at a terminal a new password is typed twice, until both are the same", async () => {
  await writeFiles(at("new/.keep"), {});
  const running = startRun(["register", "--username", "eve", "--email", "eve@example.com"], {
    home: at("new"),
    env: { LAND_REGISTRY: registry },
    terminal: true,
    now: () => new Date(),
  });
  await running.shows("Password");
  running.type("correct horse battery\r");
  await running.shows("The same again");
  running.type("correct house battery\r");
  await running.shows("The two passwords differ");
  await running.shows("Password, anew");
  running.type("correct horse battery\r");
  await running.shows("The same again", 3); // asked, answered, asked anew
  running.type("correct horse battery\r");
  expect(await running.done).toMatchObject({ exitCode: 0 });
  const signedIn = await land(["login", "--username", "eve", "--password-stdin"], {
    home: "new",
    input: "correct horse battery\n",
  });
  expect(signedIn.exitCode).toBe(0);
});

test("a password is asked for only where it can be hidden", async () => {
  const ran = await land(["login", "--username", "ada"]);
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toContain("give --password-stdin and the password on stdin");
  expect(await land(["login", ...account], { input: "" })).toMatchObject({
    exitCode: 2,
    stderr: "error: Cannot go on: there is no password on stdin\n",
  });
  expect(await land(["login", ...account], { input: "wrong horse battery" })).toMatchObject({
    exitCode: 15,
  });
});

test("at a terminal the password does not show", async () => {
  const running = startRun(["login"], {
    home: at("other"),
    env: { LAND_REGISTRY: registry },
    terminal: true,
    now: () => new Date(),
  });
  await running.shows("User name");
  running.type("ada\r");
  await running.shows("Password");
  running.type("correct horse battery\r");
  const ran = await running.done;
  expect(ran).toMatchObject({ exitCode: 0, stderr: `Signed in to ${registry} as ada\n` });
  expect(ran.stdout).not.toContain("horse");
});

describe("publish", () => {
  test("--dry-run sends nothing and needs no account", async () => {
    const ran = await land(["publish", "--dry-run", "--json"], { cwd: at("left"), home: "nobody" });
    expect(ran.exitCode).toBe(0);
    expect(ran.json()).toMatchObject({ name: "left", version: "1.2.0" });
    expect((await land(["info", "left"])).exitCode).toBe(1);
  });

  test("without an account ends with 15", async () => {
    expect(await land(["publish"], { cwd: at("left"), home: "nobody" })).toMatchObject({
      exitCode: 15,
    });
  });

  test("signs, sends and says where to read about it", async () => {
    const ran = await land(["publish", "--tag", "beta"], { cwd: at("left") });
    expect(ran).toMatchObject({ exitCode: 0, stdout: `${registry}/packages/left\n` });
    expect(ran.stderr).toContain("Made a signing key");
    const info = await land(["info", "left", "--json"]);
    expect(info.json()).toMatchObject({
      name: "left",
      tags: { latest: "1.2.0", beta: "1.2.0" },
      versions: [{ key: expect.stringMatching(/^ed25519:/), publishedBy: "ada" }],
    });
  });

  test("a version that is there is refused by its code", async () => {
    const ran = await land(["publish", "--json"], { cwd: at("left") });
    expect(ran).toMatchObject({ exitCode: 1, stderr: "" });
    expect(ran.json()).toMatchObject({ code: "version_exists", status: 409 });
  });

  test("at a terminal it asks first, and a no sends nothing", async () => {
    await writeFiles(at("asked"), { "land.json": '{ "name": "asked", "version": "1.0.0" }' });
    const setting = {
      cwd: at("asked"),
      home: at("home"),
      env: { LAND_REGISTRY: registry },
      terminal: true,
    };
    const running = startRun(["publish"], { ...setting, now: () => new Date() });
    await running.shows("Publish asked@1.0.0 to");
    running.type("n");
    expect(await running.done).toMatchObject({ exitCode: 130 });
    expect((await land(["info", "asked"])).exitCode).toBe(1);
    expect((await run(["publish", "--yes"], { ...setting, now: () => new Date() })).exitCode).toBe(
      0,
    );
  });

  test("with a token that may only publish, from a new home, it goes out unsigned and says so", async () => {
    const made = await land(["token", "create", "--name", "ci", "--scope", "publish", "--json"]);
    const { token = "" } = made.json() as { token?: string };
    await writeFiles(at("bot"), {
      "land.json": '{ "name": "bot", "version": "1.0.0" }',
      ".landignore": ".land\n",
    });
    const ran = await land(["publish"], {
      cwd: at("bot"),
      home: "bot",
      env: { LAND_TOKEN: token },
    });
    expect(ran.exitCode).toBe(0);
    expect(ran.stderr).toContain("warning: This version is not signed");
    const ci = await land(["publish", "--json"], {
      cwd: at("bot"),
      home: "ci",
      env: { LAND_TOKEN: token, CI: "1" },
    });
    expect(ci.json()).toMatchObject({ code: "version_exists" });
    expect(await Bun.file(at("ci/.land/keys/signing-key")).exists()).toBe(false);
  });
});

test("LAND_TOKEN goes to LAND_REGISTRY and not to another", async () => {
  const seen: (string | null)[] = [];
  using other = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      seen.push(request.headers.get("authorization"));
      return Response.json({ items: [], next: null });
    },
  });
  const argv = ["search", "--registry", other.url.origin];
  expect((await land(argv, { env: { LAND_TOKEN: "land_secret" } })).exitCode).toBe(0);
  expect(seen).toEqual([null]);
});

test("a refused request says what is the matter with LAND_TOKEN", async () => {
  const wrong = { home: "nobody", env: { LAND_TOKEN: "land_wrong" } };
  expect((await land(["whoami"], wrong)).stderr).toMatchInlineSnapshot(`
    "error: Cannot do this without an account: no valid token or session came with the request

    hint: LAND_TOKEN is not valid there: it ended, was revoked or is of another registry
    "
  `);
  expect(
    (await land(["whoami", "--json", "--registry", `${registry}/`], wrong)).json(),
  ).toMatchObject({
    hint: expect.stringContaining("it ended, was revoked"),
  });
  const elsewhere = {
    home: "nobody",
    env: { LAND_TOKEN: "land_wrong", LAND_REGISTRY: "http://127.0.0.1:1" },
  };
  expect((await land(["whoami", "--registry", registry], elsewhere)).stderr).toContain(
    "LAND_TOKEN goes to LAND_REGISTRY alone",
  );
});

test.each([
  [["--registry", ""], {}, 'Cannot use "" for --registry: it is missing'],
  [["--registry", "localhost:1"], {}, 'Cannot use "localhost:1" for --registry: begin it with'],
  [[], { LAND_REGISTRY: "x" }, "Cannot use registry.default from LAND_REGISTRY: begin it with"],
])("an address that is none is wrong usage: %j %j", async (argv, env, problem) => {
  const ran = await land(["whoami", ...argv], { env });
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toStartWith(`error: ${problem}`);
});

test("search prints a table, and the API's page with --json", async () => {
  const ran = await land(["search", "left"]);
  expect(ran.stdout).toBe("left  1.2.0  Pads left\n");
  expect((await land(["search", "left", "--json"])).json()).toEqual({
    items: [{ name: "left", version: "1.2.0", description: "Pads left" }],
    next: null,
  });
  expect(await land(["search", "zebra"])).toMatchObject({ stdout: "", stderr: "Nothing found\n" });
});

test("info shows what there is to know", async () => {
  const ran = await land(["info", "left"]);
  const shown = ran.stdout
    .replace(/[0-9a-f]{64}/, "…")
    .replace(/ed25519:\S+/, "ed25519:…")
    .replace(/\d{4}-\d\d-\d\d/, "YYYY-MM-DD")
    .replace(/\d+ B, unpacked \d+ B/, "… B, unpacked … B");
  expect(shown).toMatchInlineSnapshot(`
    "left 1.2.0  MIT
    Pads left

    owners     ada
    downloads  0
    tags       latest 1.2.0, beta 1.2.0
    published  YYYY-MM-DD by ada
    size       … B, unpacked … B
    sha256     …
    signed by  ed25519:…
    needs      no package

    versions (1): 1.2.0

    land add left
    "
  `);
  expect((await land(["info", "left@beta", "--json"])).json()).toMatchObject({ version: "1.2.0" });
  expect((await land(["info", "left@9.9.9", "--json"])).json()).toMatchObject({
    code: "version_not_found",
  });
});

test("yank and its undoing", async () => {
  expect(await land(["yank", "left"])).toMatchObject({ exitCode: 2 });
  expect(await land(["yank", "left@1.2.0"])).toMatchObject({
    exitCode: 0,
    stderr: "Yanked left@1.2.0\n",
  });
  expect((await land(["info", "left"])).stdout).toContain("yanked");
  expect((await land(["yank", "left@1.2.0", "--undo", "--json"])).json()).toEqual({
    name: "left",
    version: "1.2.0",
    yanked: false,
  });
});

test("tokens are made, listed without their secret, and revoked", async () => {
  const flags = ["--scope", "read", "--scope", "publish:@ada/*", "--expires-in-days", "7"];
  const made = await land(["token", "create", "--name", "bot", ...flags, "--json"]);
  const { id, token } = made.json() as { id: string; token: string };
  expect(token).toStartWith("land_");
  const list = await land(["token", "list"]);
  expect(list.stdout).toContain(id);
  expect(list.stdout).not.toContain(token);
  const who = await land(["whoami", "--json"], { env: { LAND_TOKEN: token } });
  expect(who.json()).toEqual({ user: "ada", registry, scopes: ["read", "publish:@ada/*"] });
  expect((await land(["token", "revoke", id])).exitCode).toBe(0);
  expect((await land(["whoami"], { env: { LAND_TOKEN: token } })).exitCode).toBe(15);
  expect((await land(["token", "create", "--name", "bot"])).stderr).toContain("give --scope");
});

test("logout forgets the credential and ends its token", async () => {
  const { registries } = await Bun.file(at("other/.land/credentials.json")).json();
  const { token } = registries[registry];
  expect((await land(["logout"], { home: "other" })).stderr).toBe(`Signed out of ${registry}\n`);
  expect((await land(["whoami"], { home: "other" })).exitCode).toBe(15);
  expect((await land(["whoami"], { env: { LAND_TOKEN: token } })).exitCode).toBe(15);
  expect((await land(["logout"], { env: { LAND_TOKEN: token } })).exitCode).toBe(2);
});
