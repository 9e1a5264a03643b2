import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { envOf } from "#runtime/env/env.ts";
import { type DataWorld, openDataWorld } from "#test/runtime/data-world.ts";
import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { testServer } from "#test/support/server.ts";

import { type Ran, run, type Setting, startRun } from "./world.ts";

let world: DataWorld;
let folder: TemporaryFolder;
beforeAll(async () => {
  world = await openDataWorld();
  folder = await temporaryFolder("kv-env");
  await mkdir(join(folder.path, "home"));
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const setting = (more: Setting = {}): Setting => ({
  cwd: folder.path,
  home: join(folder.path, "home"),
  now: () => new Date(),
  ...more,
  env: { LAND_REGISTRY: world.url, LAND_TOKEN: world.ada.token, ...more.env },
});
const land = (argv: string, more: Setting = {}): Promise<Ran> =>
  run([...argv.split(" "), "--site", "blog"], setting(more));

test("land kv set, get, list and delete", async () => {
  expect((await land("kv set greeting hello --json")).json()).toEqual({
    key: "greeting",
    value: "hello",
  });
  expect(await land("kv set a/b --ttl 10m", { input: "from stdin\n" })).toMatchObject({
    exitCode: 0,
    stderr: "a/b has 11 bytes now\n",
  });
  expect((await land("kv get a/b")).stdout).toBe("from stdin\n");
  expect((await land("kv get a/b", { terminal: true })).stdout).toBe("from stdin\n");
  expect((await land("kv get greeting --json")).json()).toEqual({
    key: "greeting",
    value: "hello",
  });
  await world.kv.of(1).put({ key: "bytes", value: Uint8Array.of(255, 0) });
  expect((await land("kv get bytes --json")).json()).toEqual({
    key: "bytes",
    value: "/wA=",
    encoding: "base64",
  });
  expect((await land("kv list --json")).json()).toMatchObject({
    keys: ["a/b", "bytes", "greeting"],
  });
  expect((await land("kv list --prefix g --json")).json()).toMatchObject({ keys: ["greeting"] });
  expect((await land("kv list --limit 1")).stderr).toContain("There are more");
  expect((await land("kv list")).stdout).toContain("until 2026-03-01");
  expect((await land("kv delete greeting --yes --json")).json()).toEqual({ key: "greeting" });
  const gone = await land("kv get greeting");
  expect([gone.exitCode, gone.stderr.split("\n")[0]]).toEqual([
    1,
    'error: Cannot find the key "greeting" of the site "blog"',
  ]);
  expect((await land("kv set k v --ttl soon")).exitCode).toBe(2);
});

test("a value larger than one piece goes through whole, and what a terminal would obey does not", async () => {
  const text = "0123456789".repeat(50_000);
  await land("kv set long", { input: text });
  expect((await land("kv get long")).stdout).toBe(text);
  await world.kv.of(1).put({ key: "evil", value: Buffer.from("\u001B]0;owned\u0007") });
  expect((await land("kv get evil", { terminal: true })).stdout).not.toContain("\u001B]0;owned");
  expect((await land("kv set empty", { input: "" })).exitCode).toBe(0);
  expect((await land("kv get empty")).stdout).toBe("");
});

test("land env set takes a secret from stdin, drops one newline, and never from the command line", async () => {
  expect((await land("env set API_KEY --json", { input: "s3cret\n\n" })).json()).toEqual({
    site: "blog",
    key: "API_KEY",
  });
  expect((await envOf(world.ctx, 1))["API_KEY"]).toBe("s3cret\n");
  const refused = await land("env set API_KEY=hush");
  expect([refused.exitCode, refused.stderr.includes("hush"), refused.stdout]).toEqual([
    2,
    false,
    "",
  ]);
  expect((await land("env set LANG=de=x --plain")).exitCode).toBe(0);
  const list = await land("env list --json");
  expect(list.json()).toMatchObject({
    items: [
      { key: "API_KEY", value: null },
      { key: "LANG", value: "de=x" },
    ],
  });
  expect((await land("env list")).stdout).not.toContain("s3cret");
  expect((await land("env unset LANG --yes --json")).json()).toEqual({ site: "blog", key: "LANG" });
  expect((await land("env unset LANG --yes")).exitCode).toBe(1);
});

test("what is removed is asked about: a no keeps it, and without a terminal it takes --yes", async () => {
  await land("env set KEPT=1 --plain");
  await land("kv set kept 1");
  for (const command of ["env unset KEPT", "kv delete kept"]) {
    const unasked = await land(command);
    expect([unasked.exitCode, unasked.stderr.includes("--yes")]).toEqual([2, true]);
    const running = startRun(
      [...command.split(" "), "--site", "blog"],
      setting({ terminal: true }),
    );
    await running.shows("for good?");
    running.type("\r");
    expect((await running.done).exitCode).toBe(130);
  }
  expect((await land("env list")).stdout).toContain("KEPT");
  expect((await land("kv get kept")).stdout).toBe("1");
});

test("land env set asks at a terminal without showing what is typed", async () => {
  const running = startRun(["env", "set", "TYPED", "--site", "blog"], setting({ terminal: true }));
  await running.shows("Value of TYPED");
  running.type("hush\r");
  const { exitCode, stdout, stderr } = await running.done;
  expect([exitCode, `${stdout}${stderr}`.includes("hush")]).toEqual([0, false]);
  expect((await envOf(world.ctx, 1))["TYPED"]).toBe("hush");
});

test("land env import sets all of a file or nothing", async () => {
  await Bun.write(join(folder.path, ".env"), "export A='1' # one\nB=\"two\nlines\"\n");
  expect((await land("env import .env --json")).json()).toEqual({ site: "blog", keys: ["A", "B"] });
  expect(await envOf(world.ctx, 1)).toMatchObject({ A: "1", B: "two\nlines" });
  expect((await land("env import --plain --json", { input: "C=3" })).json()).toEqual({
    site: "blog",
    keys: ["C"],
  });
  const refused = await land("env import", { input: "D=4\nKV=hush\n" });
  expect([refused.exitCode, refused.stderr.includes("hush")]).toEqual([1, false]);
  expect(Object.keys(await envOf(world.ctx, 1))).not.toContain("D");
  expect((await land("env import", { input: "D=4\nhush\n" })).stderr).toContain(
    'error: Cannot accept "line 2"',
  );
  expect((await land("env import nowhere")).exitCode).toBe(1);
});

test("land admin rotate-key seals anew where no server runs, and refuses where one does", async () => {
  const data = join(folder.path, "data");
  const argv = ["admin", "rotate-key", "--data", data, "--json"];
  expect((await run(argv, setting())).exitCode).toBe(2);
  const server = await testServer({}, data);
  expect((await run(argv, setting())).json()).toMatchObject({ code: "lock_busy" });
  await server[Symbol.asyncDispose]();
  const rotated = (await run(argv, setting())).json();
  expect(rotated).toMatchObject({ sealed: 0 });
  expect((await readFile(join(data, "env.key"), "utf8")).split("\n")).toHaveLength(3);
});
