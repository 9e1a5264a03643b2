import { describe, expect, test } from "bun:test";
import { symlink } from "node:fs/promises";

import { writeFiles } from "#test/support/project.ts";

import { openSiteWorld } from "./site-world.ts";
import { run, type Setting, startRun } from "./world.ts";

/** `land deploy` against a real server in this process. */
const { server, at, settingAt } = openSiteWorld("deploy");
const land = (argv: string[], folder: string, more?: Partial<Setting>) =>
  run(argv, settingAt(folder, more));
const ID = /^[a-z0-9]{10}$/;

test("--json is word for word what scripts rely on, and the text ends with the address", async () => {
  await writeFiles(at("first"), { "index.html": "<h1>Hi</h1>", "a/b.css": "b{}", "c.css": "b{}" });
  const ran = await land(["deploy", "--site", "first", "--json"], "first");
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  const value = ran.json() as Record<string, unknown>;
  expect(value).toEqual({
    site: "first",
    deploy: expect.stringMatching(ID),
    url: expect.stringMatching(/^http:\/\/first\.localhost:\d+$/),
    deployUrl: `http://${String(value["deploy"])}--first.localhost:${new URL(server().url).port}`,
    files: 3,
    uploaded: 2,
    uploadedBytes: 14,
  });
  await writeFiles(at("first"), { "c.css": "c{}" });
  const again = await land(["deploy", ".", "--site", "first"], "first");
  expect(again.stdout).toBe(`${String(value["url"])}\n`);
  expect(again.stderr.replace(/[a-z0-9]{10}/g, "ID").replace(/:\d+/, ":PORT")).toBe(
    "1 of 3 files was new (3 B)\nDeployed first, as ID: http://ID--first.localhost:PORT\n",
  );
  const same = await land(["deploy", "--site", "first"], "first");
  expect(same.stderr).toContain("Nothing had to be sent: the server has all of it (3 files)");
});

test("a site that is not there is made, and that is said", async () => {
  await writeFiles(at("made"), { "index.html": "1" });
  const ran = await land(["deploy", "--site", "made"], "made");
  expect(ran.stderr).toStartWith("Made the site made\n");
  expect(ran.exitCode).toBe(0);
});

test("a site of somebody else is not deployed to", async () => {
  const other = await server().register("mallory");
  await writeFiles(at("taken"), { "index.html": "1" });
  await land(["deploy", "--site", "taken"], "taken");
  const ran = await land(["deploy", "--site", "taken", "--json"], "taken", {
    env: { LAND_TOKEN: other },
  });
  expect(ran.json()).toMatchObject({ code: "site_taken" });
});

test("a deploy key deploys its site and makes no other", async () => {
  await writeFiles(at("keyed"), { "index.html": "1" });
  await land(["deploy", "--site", "keyed"], "keyed");
  const flags = ["--name", "grace", "--scope", "deploy:keyed", "--json"];
  const made = (await land(["token", "create", ...flags], "keyed")).json() as { token: string };
  const env = { LAND_TOKEN: made.token };
  await writeFiles(at("keyed"), { "index.html": "2" });
  const ran = await land(["deploy", "--site", "keyed", "--json"], "keyed", { env });
  expect(ran.json()).toMatchObject({ uploaded: 1 });
  const typo = await land(["deploy", "--site", "keyde", "--json"], "keyed", { env });
  expect(typo.json()).toMatchObject({ code: "site_not_found" });
  const other = await land(["deploy", "--site", "first", "--json"], "keyed", { env });
  expect(other.json()).toMatchObject({
    code: "scope_missing",
    detail: 'Cannot deploy to "first": this token lacks the scope "deploy:first"',
  });
  const list = await land(["deploys", "--site", "keyed"], "keyed");
  expect(list.stdout).toContain("ada (grace)");
});

test("--draft leaves the site as it is; rollback makes it live, and goes back", async () => {
  await writeFiles(at("draft"), { "index.html": "one" });
  const live = (await land(["deploy", "--site", "draft", "--json"], "draft")).json() as Deploy;
  await writeFiles(at("draft"), { "index.html": "two" });
  const ran = await land(["deploy", "--site", "draft", "--draft", "-m", "try this"], "draft");
  expect(ran.stdout).toMatch(/^http:\/\/[a-z0-9]{10}--draft\.localhost:\d+\n$/);
  const draft = ran.stdout.slice("http://".length, "http://".length + 10);
  const list = await land(["deploys", "--site", "draft", "--json"], "draft");
  expect(list.json()).toMatchObject({
    items: [
      { id: draft, live: false, draft: true, message: "try this" },
      { id: live.deploy, live: true },
    ],
    next: null,
  });
  expect(ran.stderr).toContain(`\`land release ${draft} --site draft\` makes it live`);
  for (const words of [
    ["release", draft],
    ["rollback", "--deploy", draft],
  ]) {
    const show = await land([...words, "--site", "draft", "--json"], "draft");
    expect(show.json()).toEqual({ site: "draft", deploy: draft, url: live.url });
  }
  expect((await land(["rollback", "--site", "draft", "--json"], "draft")).json()).toEqual({
    site: "draft",
    deploy: live.deploy,
    url: live.url,
  });
  const diff = await land(["deploys", "diff", live.deploy, draft, "--site", "draft"], "draft");
  expect(diff.stdout).toBe("~ index.html\n0 added, 1 changed, 0 removed, 0 as they were\n");
  expect(await land(["deploy", "--draft", "--prod", "--site", "x"], "draft")).toMatchObject({
    exitCode: 2,
  });
});
type Deploy = { deploy: string; url: string };

test("land.json names folder and site", async () => {
  await writeFiles(at("named"), {
    "land.json": '{ "site": { "name": "named", "dir": "public" } }\n',
    "public/index.html": "1",
    "notes.txt": "mine",
  });
  expect((await land(["deploy", "--json"], "named")).json()).toMatchObject({
    site: "named",
    files: 1,
  });
  const named = await land(["deploy", "named"], "");
  expect(named.stderr).toContain('named" is its folder public\n');
  expect(named.stderr).toContain("the server has all of it (1 file)\n");
  expect((await land(["rollback", "--json"], "named")).json()).toMatchObject({ site: "named" });
});

describe("what must not be deployed is refused before anything is sent", () => {
  test("the home folder, a folder above it, and the root of the disk", async () => {
    await writeFiles(at("home"), { "index.html": "1" });
    for (const dir of [at("home"), at(), "/"]) {
      const ran = await land(["deploy", dir, "--site", "home", "--json"], "home");
      expect(ran).toMatchObject({ exitCode: 2 });
    }
    expect((await land(["deploy", "--site", "home"], "home")).stderr).toContain(
      "it is your home folder",
    );
  });

  test("a folder that is not there, and one without files", async () => {
    await writeFiles(at("empty"), { ".env": "SECRET=1" });
    expect((await land(["deploy", "nope", "--site", "x"], "empty")).stderr).toContain(
      "there is no such folder",
    );
    const ran = await land(["deploy", "--site", "empty"], "empty");
    expect(ran.stderr).toContain("it holds no file to send");
    expect((await land(["sites", "show", "empty", "--json"], "empty")).json()).toMatchObject({
      code: "site_not_found",
    });
  });

  test("a link, by name", async () => {
    await writeFiles(at("linked"), { "index.html": "1" });
    await symlink("/etc/passwd", at("linked/passwd"));
    const ran = await land(["deploy", "--site", "linked"], "linked");
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ran.stderr).toContain('Cannot deploy "passwd": it is a symbolic link');
  });

  test("secrets: refused without a terminal, also with --yes; asked about at one; let out by a flag", async () => {
    await writeFiles(at("leaky"), { "index.html": "1", id_rsa: "mine" });
    const ran = await land(["deploy", "--site", "leaky", "--yes"], "leaky");
    expect(ran.stderr).toMatchInlineSnapshot(`
      "error: Cannot deploy what looks like secrets: id_rsa (a private key)

      hint: Name the files in .landignore; if they may be public, pass --allow-secrets
      "
    `);
    const running = startRun(["deploy", "--site", "leaky"], settingAt("leaky", { terminal: true }));
    await running.shows("Show to every visitor: id_rsa (a private key)?");
    running.type("\r");
    expect(await running.done).toMatchObject({ exitCode: 130 });
    const shown = await land(["sites", "show", "leaky", "--json"], "leaky");
    expect(shown.json()).toMatchObject({ code: "site_not_found" });
    const out = await land(["deploy", "--site", "leaky", "--allow-secrets"], "leaky");
    expect(out.exitCode).toBe(0);
    expect(out.stderr).toContain("warning: These look like secrets: id_rsa (a private key)\n");
  });
});

test("--dry-run lists what would be sent, and needs neither site nor account", async () => {
  await writeFiles(at("dry"), {
    "index.html": "12345",
    ".env": "x",
    "a.draft": "",
    ".landignore": "*.draft",
  });
  const ran = await land(["deploy", "-n", "--json"], "dry", { env: { LAND_TOKEN: "" } });
  expect(ran.json()).toEqual({
    site: null,
    dir: expect.stringContaining("dry"),
    sizeBytes: 5,
    files: [{ path: "index.html", sizeBytes: 5 }],
    program: null,
  });
  expect((await land(["deploy", "-n"], "dry")).stdout).toBe("  index.html  5 B\n1 file, 5 B\n");
  await writeFiles(at("dry"), { "cfg.txt": `ghp_${"a1B2".repeat(9)}` });
  const warned = await land(["deploy", "-n"], "dry");
  expect(warned.stderr).toContain("warning: These look like secrets, and are not sent unasked");
});

describe("a project with a build", () => {
  const project = {
    "package.json": '{ "name": "My App", "scripts": { "build": "vite build" } }',
    "src/index.ts": "1",
    "dist/index.html": "built",
  };
  test("is not guessed at without a terminal", async () => {
    await writeFiles(at("built"), project);
    const ran = await land(["deploy", "--site", "built"], "built");
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain("Name the folder: `land deploy dist`, or `land deploy .`");
    const done = await land(["deploy", "dist", "--site", "built", "--json"], "built");
    expect(done.json()).toMatchObject({ files: 1 });
  });

  test("is asked about at a terminal, as is the name; both can be kept in land.json", async () => {
    await writeFiles(at("my-app"), project);
    const running = startRun(["deploy"], settingAt("my-app", { terminal: true }));
    await running.shows("Which folder is the site?");
    running.type("\r");
    await running.shows("Name of the site");
    running.type("\r");
    await running.shows('Make the new site "my-app"');
    running.type("y");
    await running.shows('Keep "my-app" in land.json');
    running.type("y");
    const ran = await running.done;
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout.trimEnd().split("\n").at(-1)).toMatch(/^http:\/\/my-app\.localhost:\d+$/);
    expect(await Bun.file(at("my-app/land.json")).json()).toEqual({
      site: { name: "my-app", dir: "dist" },
    });
    expect((await land(["deploy", "--json"], "my-app")).json()).toMatchObject({ uploaded: 0 });
  });
});

test("without a terminal the missing name is told", async () => {
  await writeFiles(at("nameless"), { "index.html": "1" });
  expect(await land(["deploy"], "nameless")).toMatchObject({
    exitCode: 2,
    stderr: "error: Cannot ask for the name of the site without a terminal: give --site\n",
  });
});

test("without an account it ends with 15, and LAND_SITE is the flag", async () => {
  await writeFiles(at("anonymous"), { "index.html": "1" });
  const env = { LAND_TOKEN: "", LAND_SITE: "anonymous" };
  expect(await land(["deploy"], "anonymous", { env })).toMatchObject({ exitCode: 15 });
  const shown = await land(["deploy"], "anonymous", { env: { LAND_SITE: "anonymous" } });
  expect(shown.exitCode).toBe(0);
});

test("at a terminal a no to a new site sends nothing", async () => {
  await writeFiles(at("typo"), { "index.html": "1" });
  const running = startRun(["deploy", "--site", "typo"], settingAt("typo", { terminal: true }));
  await running.shows('Make the new site "typo"');
  running.type("n");
  expect(await running.done).toMatchObject({ exitCode: 130 });
});

test("Ctrl-C leaves the site as it was, and the next run goes on", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [`f${n}.bin`, new Uint8Array(1_200_000).fill(n)]),
  );
  await writeFiles(at("stopped"), { "index.html": "old" });
  await land(["deploy", "--site", "stopped"], "stopped");
  await writeFiles(at("stopped"), { ...files, "index.html": "new" });
  const running = startRun(["deploy", "--site", "stopped", "--jsonl"], settingAt("stopped"));
  await running.shows(/"verb":"Sending","doneFiles":(?:[4-9]|[1-5]\d),/);
  running.send("SIGINT");
  expect(await running.done).toMatchObject({ exitCode: 130 });
  const shown = await land(["sites", "show", "stopped", "--json"], "stopped");
  expect(shown.json()).toMatchObject({ live: { files: 1 } });
  const again = await land(["deploy", "--site", "stopped", "--json"], "stopped");
  const { files: count, uploaded } = again.json() as { files: number; uploaded: number };
  expect(count).toBe(61);
  expect(uploaded).toBeLessThanOrEqual(57);
});
