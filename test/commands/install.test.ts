import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";

import { run, type Running, startRun } from "./world.ts";

/** Commands that change a project, against a registry with `left` → `pad` and two that need each other. */
let root: TemporaryFolder;
let server: Running;
let registry = "";
const at = (...path: string[]): string => join(root.path, ...path);
const now = (): Date => new Date();

const land = (
  argv: string[],
  cwd: string,
  more: { env?: Record<string, string>; input?: string } = {},
) =>
  run(argv, {
    cwd: at(cwd),
    home: at("home"),
    env: { LAND_REGISTRY: registry, ...more.env },
    now,
    ...(more.input !== undefined && { input: more.input }),
  });

beforeAll(async () => {
  root = await temporaryFolder("install");
  server = startRun(["serve", "--data", at("data"), "--port", "0", "--log-level", "off"], { now });
  await server.shows("land is listening on");
  registry = /http:\S+/.exec(server.stdout())?.[0] ?? "";
  const needs: Record<string, Record<string, string>> = {
    pad: {},
    left: { pad: "^1.0.0" },
    chicken: { egg: "1.x" },
    egg: { chicken: "1.x" },
  };
  await writeFiles(at(), { "home/.keep": "", "empty/.keep": "" });
  const account = ["--username", "ada", "--email", "ada@example.com", "--password-stdin"];
  await land(["register", ...account], "home", { input: "correct horse battery" });
  for (const [name, dependencies] of Object.entries(needs)) {
    const manifest = JSON.stringify({ name, version: "1.0.0", dependencies });
    await writeFiles(at(name), {
      "land.json": manifest,
      "index.ts": `export default "${name}";\n`,
    });
    expect((await land(["publish"], name)).exitCode).toBe(0);
  }
  await writeFiles(at("app"), { "land.json": '{ "name": "app", "version": "0.1.0" }\n' });
});
afterAll(async () => {
  server.send("SIGTERM");
  await server.done;
  await root[Symbol.asyncDispose]();
});

const time = /\(\d+(?:\.\d)? m?s\)/;

test("add edits the manifest, installs, and says what came", async () => {
  const ran = await land(["add", "left", "chicken"], "app");
  expect(ran).toMatchObject({ exitCode: 0, stdout: "" });
  expect(ran.stderr.replace(time, "(… ms)").split("\n").toSorted().join("\n"))
    .toMatchInlineSnapshot(`
    "
    + chicken 1.0.0
    + egg 1.0.0
    + left 1.0.0
    + pad 1.0.0
    4 packages: 4 added (… ms)
    Downloaded chicken 1.0.0
    Downloaded egg 1.0.0
    Downloaded left 1.0.0
    Downloaded pad 1.0.0"
  `);
  expect(await Bun.file(at("app/land.json")).json()).toMatchObject({
    dependencies: { chicken: "^1.0.0", left: "^1.0.0" },
  });
  expect(await Bun.file(at("app/land_modules/pad/index.ts")).text()).toContain("pad");
});

test("install with everything there is up to date", async () => {
  const ran = await land(["install"], "app");
  expect(ran.stderr.replace(time, "(… ms)")).toBe("4 packages, up to date (… ms)\n");
  expect((await land(["install", "--json"], "app", { env: { CI: "1" } })).json()).toEqual({
    added: [],
    removed: [],
    changed: [],
    unchanged: 4,
  });
});

test("list draws the tree and marks the cycle", async () => {
  const ran = await land(["list"], "app");
  expect(ran.stdout).toMatchInlineSnapshot(`
    "app 0.1.0
    ├── chicken 1.0.0
    │   └── egg 1.0.0
    │       └── chicken 1.0.0 (cycle)
    └── left 1.0.0
        └── pad 1.0.0
    "
  `);
  expect((await land(["list", "--json"], "app")).json()).toMatchObject({
    packages: [
      {
        name: "chicken",
        version: "1.0.0",
        digest: expect.stringMatching(/^sha256:/),
        dependencies: ["egg"],
      },
      { name: "egg", dependencies: ["chicken"] },
      { name: "left", dependencies: ["pad"] },
      { name: "pad", dependencies: [] },
    ],
  });
});

test("add with flags writes where and what they say", async () => {
  await writeFiles(at("tool"), { "land.json": "{}\n" });
  expect((await land(["add", "pad", "--dev", "--exact"], "tool")).exitCode).toBe(0);
  expect((await land(["add", "left@1.x", "--optional"], "tool")).exitCode).toBe(0);
  expect(await Bun.file(at("tool/land.json")).json()).toEqual({
    devDependencies: { pad: "1.0.0" },
    optionalDependencies: { left: "1.x" },
  });
  expect(await land(["add", "pad", "--dev", "--optional"], "tool")).toMatchObject({ exitCode: 2 });
});

test("remove takes away what nothing needs any more", async () => {
  const ran = await land(["remove", "left", "--json"], "app");
  expect(ran.json()).toEqual({
    added: [],
    removed: [
      { name: "left", version: "1.0.0" },
      { name: "pad", version: "1.0.0" },
    ],
    changed: [],
    unchanged: 2,
    manifest: [{ folder: ".", kind: "dependencies", name: "left", from: "^1.0.0" }],
  });
});

test("in CI a lock that does not fit or is not there is an error", async () => {
  await writeFiles(at("ci"), { "land.json": '{ "dependencies": { "pad": "^1.0.0" } }' });
  const missing = await land(["install", "--json"], "ci", { env: { CI: "true" } });
  expect(missing).toMatchObject({ exitCode: 1 });
  expect(missing.json()).toMatchObject({ code: "lock_missing" });
});

test("what does not fit together ends with 10 and changes nothing", async () => {
  const ran = await land(["add", "pad@^2.0.0"], "app");
  expect(ran).toMatchObject({ exitCode: 10, stdout: "" });
  expect(ran.stderr).toStartWith("error: Cannot find versions that fit together\n");
  expect(await Bun.file(at("app/land.json")).text()).not.toContain("pad");
});

test("a folder without a manifest is named", async () => {
  for (const argv of [["install"], ["list"], ["add", "pad"], ["remove", "pad"]])
    expect(await land(argv, "empty")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("Cannot find land.json or package.json"),
    });
});

test("what stands in the way is told as what it is, and stays", async () => {
  await writeFiles(at("odd"), {
    "land.json": '{ "name": "odd", "version": "1.0.0", "dependencies": { "left": "*" } }',
    land_modules: "mine",
  });
  for (const flags of [[], ["--yes"]])
    expect((await land(["install", "--json", ...flags], "odd")).json()).toMatchObject({
      code: "install_dir_foreign",
    });
  expect(await Bun.file(at("odd/land_modules")).text()).toBe("mine");
  await writeFiles(at("odd"), { "land.lock": "garbage" });
  await Bun.file(at("odd/land_modules")).delete();
  expect((await land(["install"], "odd")).stderr).toMatchInlineSnapshot(`
    "error: Cannot read land.lock: it is not TOML: Expected '=' after a key but found end of file

    hint: Restore it from version control, or remove it and run \`land install\`
    "
  `);
  await writeFiles(at("odd"), { "land.lock": "<<<<<<< ours\n=======\n>>>>>>> theirs\n" });
  const frozen = await land(["install", "--frozen"], "odd");
  expect(frozen.stderr).toContain("Run `land install` without --frozen: it merges both sides");
  await writeFiles(at("through"), {
    "land.json": '{ "name": "through", "version": "1.0.0", "installDir": "land.json/x" }',
  });
  expect((await land(["install"], "through")).stderr).toContain("a part of the path is a file");
});
