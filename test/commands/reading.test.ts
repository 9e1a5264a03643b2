import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { renderSparkline } from "#commands/render-package.ts";
import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";
import { writeFiles } from "#test/support/project.ts";

import { run, type Running, startRun } from "./world.ts";

/** Commands that read a project and its registry, update it, and what owners do, against a registry with some versions. */
let root: TemporaryFolder;
let server: Running;
let registry = "";
const at = (...path: string[]): string => join(root.path, ...path);
const now = (): Date => new Date();
const setting = (cwd: string) => ({
  cwd: at(cwd),
  home: at("home"),
  env: { LAND_REGISTRY: registry, NO_COLOR: "1" },
  now,
});
const land = (argv: string[], cwd = "app") => run(argv, setting(cwd));

async function publish(name: string, version: string, dependencies = {}): Promise<void> {
  const folder = `packages/${name}-${version}`;
  const manifest = { name, version, dependencies, description: `What ${name} is` };
  const homepage = `https://${name}.example.com`;
  await writeFiles(at(folder), { "land.json": JSON.stringify({ ...manifest, homepage }) });
  expect((await land(["publish", "--yes"], folder)).exitCode).toBe(0);
}

const wanted = '{ "name": "app", "version": "0.1.0", "dependencies": { "left": "^1.0.0" } }\n';

beforeAll(async () => {
  root = await temporaryFolder("reading");
  server = startRun(["serve", "--data", at("data"), "--port", "0", "--log-level", "off"], { now });
  await server.shows("land is listening on");
  registry = /http:\S+/.exec(server.stdout())?.[0] ?? "";
  await writeFiles(at(), { "home/.keep": "", "other/.keep": "" });
  for (const [user, home] of [
    ["ada", "home"],
    ["grace", "other"],
  ] as const)
    await run(
      ["register", "--username", user, "--email", `${user}@example.com`, "--password-stdin"],
      { ...setting(home), home: at(home), input: "correct horse battery" },
    );
  for (const version of ["1.0.0", "1.1.0", "2.0.0"]) await publish("pad", version);
  await publish("left", "1.0.0", { pad: "^1.0.0" });
  await publish("left", "1.2.0", { pad: "^1.0.0" });
  await publish("left", "2.0.0", { pad: "^2.0.0" });
  await writeFiles(at("app"), {
    "land.json": wanted.replace("^1.0.0", "1.0.0"),
  });
  await land(["install"]);
  await writeFiles(at("app"), { "land.json": wanted });
  await land(["install"]);
});
afterAll(async () => {
  server.send("SIGTERM");
  await server.done;
  await root[Symbol.asyncDispose]();
});

describe("reading", () => {
  test("outdated is a table, ends with 0, and with 1 where that is asked for", async () => {
    const ran = await land(["outdated", "--all"]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: "2 of 2 packages can be newer\n" });
    expect(ran.stdout).toMatchInlineSnapshot(`
      "package  current  wanted  latest  jump   asked for by
      left     1.0.0    1.2.0   2.0.0   major  app
      pad      1.1.0    1.1.0   2.0.0   major  left
      "
    `);
    expect((await land(["outdated", "--exit-code", "--quiet"])).exitCode).toBe(1);
    const json = (await land(["outdated", "--json"])).json();
    expect(json).toMatchObject({ checked: 1, packages: [{ name: "left", wanted: "1.2.0" }] });
  });

  test("why draws the ways up, or tells the name that was meant", async () => {
    expect((await land(["why", "pad"])).stdout).toMatchInlineSnapshot(`
      "pad 1.1.0
      └── left 1.0.0 asks for ^1.0.0
          └── app asks for ^1.0.0
      "
    `);
    const none = await land(["why", "lfet"]);
    expect(none).toMatchObject({ exitCode: 1, stdout: "" });
    expect(none.stderr).toContain("Did you mean `land why left`?");
  });

  test("why-not explains, or tells what would change; the exit code says which", async () => {
    expect((await land(["why-not", "left@1.2.0"])).stdout).toMatchInlineSnapshot(`
      "Nothing stands in the way of left 1.2.0

      It would change:
      ~ left 1.2.0 (was 1.0.0)

      To have it: land update left
      "
    `);
    expect((await land(["why-not", "left"])).stdout).toMatchInlineSnapshot(`
      "Only what the project itself asks for stands in the way of left 2.0.0:
        left ^1.0.0 (dependencies)

      It would change:
      ~ left 2.0.0 (was 1.0.0)
      ~ pad 2.0.0 (was 1.1.0)

      To have it: land add left@2.0.0
      "
    `);
    const otherwise = await land(["why-not", "pad@2"]);
    expect(otherwise.exitCode).toBe(10);
    expect(otherwise.stdout).toContain("Tried, and it works:\n  land add left@^2.0.0 pad@^2.0.0\n");
    const impossible = await land(["why-not", "left@^3.0.0", "--json"]);
    expect(impossible).toMatchObject({ exitCode: 10 });
    expect(impossible.json()).toMatchObject({ possible: false, name: "left", range: "^3.0.0" });
    expect((await land(["why-not", "left@1.0.0"])).stdout).toContain("is what the project has");
  });

  test("list stops at a depth, leaves kinds out, and tells what is missing", async () => {
    expect((await land(["list", "--depth", "0"])).stdout).toBe("app 0.1.0\n└── left 1.0.0\n");
    expect((await land(["list", "--dev"])).stdout).toBe("app 0.1.0\n");
    expect((await land(["list", "--depth", "x"])).exitCode).toBe(2);
    expect((await land(["list", "--dev", "--prod"])).exitCode).toBe(2);
    await writeFiles(at("fresh"), { "land.json": wanted });
    const fresh = await land(["list"], "fresh");
    expect(fresh.stderr).toBe("warning: Not installed: left; run `land install`\n");
    expect(fresh.stdout).toContain("left ^1.0.0 (not installed)");
  });

  test("info shows a package, its versions, and the names near one that is not there", async () => {
    const { stdout } = await land(["info", "left"]);
    expect(stdout).toContain("needs      1 package");
    expect(stdout.trimEnd()).toEndWith("land add left");
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const versions = (await land(["info", "pad", "versions"])).stdout.trimEnd().split("\n");
    expect(versions).toHaveLength(3);
    expect(versions[0]).toMatch(/^2\.0\.0 {2}\d{4}-\d\d-\d\d {2}\d+ B {2}ada {2}latest$/);
    const none = await land(["info", "lefft"]);
    expect(none.stderr).toContain("Did you mean `left`?");
    expect((await land(["info", "left", "everything"])).exitCode).toBe(2);
  });

  test("what is read fits the screen", async () => {
    for (const columns of [60, 80, 120])
      for (const argv of [
        ["outdated", "--all"],
        ["why-not", "pad@2"],
        ["search"],
        ["help", "outdated"],
      ]) {
        const { stdout } = await run(argv, { ...setting("app"), terminal: true, columns });
        for (const line of stdout.split("\n"))
          expect(Bun.stringWidth(line)).toBeLessThanOrEqual(Math.max(columns, 72));
      }
  });

  test("downloads a day are bars", () => {
    expect(renderSparkline([0, 1, 4, 7])).toBe("▁▂▅█");
    expect(renderSparkline([0, 0])).toBe("▁▁");
  });
});

describe("changing", () => {
  test("add tries out, and tells the names near one that is not there", async () => {
    const plan = await land(["add", "pad@1.0.0", "--dry-run", "--dev"]);
    expect(plan.stderr).toMatchInlineSnapshot(`
      "~ pad 1.0.0 (was 1.1.0)
        manifest: pad gets 1.0.0 (devDependencies)
      2 packages: 1 changed (a dry run: nothing was written)
      "
    `);
    expect(await Bun.file(at("app/land.json")).text()).toBe(wanted);
    for (const typed of ["lefft", "lefft@^1.0.0", "lefft@beta"])
      expect((await land(["add", typed])).stderr).toContain("Did you mean `left`?");
  });

  test("the lowest versions are picked where that is asked for", async () => {
    await writeFiles(at("low"), { "land.json": "{}\n" });
    const ran = await land(["add", "pad@^1.0.0", "--resolution", "lowest", "--json"], "low");
    expect(ran.json()).toMatchObject({ added: [{ name: "pad", version: "1.0.0" }] });
    expect((await land(["add", "pad", "--resolution", "mid"], "low")).exitCode).toBe(2);
  });

  test("remove tells the name that was meant, or who needs the package", async () => {
    expect((await land(["remove", "lfet"])).stderr).toContain("Did you mean `land remove left`?");
    expect((await land(["remove", "pad"])).stderr).toContain("see them with `land why pad`");
    expect((await land(["remove", "left", "--dry-run"])).stderr).toContain("a dry run");
    expect(await Bun.file(at("app/land.json")).text()).toBe(wanted);
  });

  test("update stays within the manifest, with --latest it goes past it", async () => {
    const within = await land(["update", "--dry-run", "--json"]);
    expect(within.json()).toMatchObject({ changed: [{ name: "left", version: "1.2.0" }] });
    expect(within.json()).not.toHaveProperty("manifest");
    const none = await land(["update", "lfet"]);
    expect(none.stderr).toContain("Did you mean `land update left`?");
    const past = await land(["update", "left", "--latest", "--dry-run", "--json"]);
    expect(past.json()).toMatchObject({ manifest: [{ name: "left", to: "^2.0.0" }] });
  });

  test("verify tells each package, and with --quiet only what is wrong", async () => {
    const whole = await land(["verify"]);
    expect(whole).toMatchObject({ exitCode: 0 });
    expect(whole.stdout).toStartWith("ok      left 1.0.0\nok      pad 1.1.0\n");
    expect(await land(["verify", "--quiet"])).toMatchObject({
      exitCode: 0,
      stdout: "",
      stderr: "",
    });
    const stranger = at("app/land_modules/left/stranger.txt");
    await Bun.write(stranger, "");
    const broken = await land(["verify", "-q"]);
    await rm(stranger);
    expect(broken).toMatchObject({
      exitCode: 11,
      stdout: "FAILED  left 1.0.0\n        stranger.txt is not in the archive\n",
      stderr: "",
    });
  });

  test("choosing needs a terminal", async () => {
    const ran = await land(["update", "--interactive"]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toContain("Cannot ask for which packages to update without a terminal");
  });

  test("at a terminal what the manifest allows is chosen already, and fits the screen", async () => {
    await writeFiles(at("chosen"), {
      "land.json": await Bun.file(at("app/land.json")).text(),
      "land.lock": await Bun.file(at("app/land.lock")).text(),
    });
    const running = startRun(["update", "-i"], {
      ...setting("chosen"),
      terminal: true,
      columns: 80,
    });
    await running.shows("Enter:");
    expect(running.stdout()).toContain("Within what the manifest allows");
    expect(running.stdout()).toContain("1.0.0 → 2.0.0  major");
    running.type("\r");
    expect(await running.done).toMatchObject({ exitCode: 0 });
    const lock = await Bun.file(at("chosen/land.lock")).text();
    expect(lock).toContain('name = "left"\nversion = "1.2.0"');
    expect(await Bun.file(at("chosen/land.json")).text()).toBe(wanted);
  });

  test("Ctrl-C while choosing changes nothing", async () => {
    const running = startRun(["update", "-i"], { ...setting("app"), terminal: true });
    await running.shows("Enter:");
    running.send("SIGINT");
    expect(await running.done).toMatchObject({ exitCode: 130 });
    expect(await Bun.file(at("app/land.json")).text()).toBe(wanted);
  });
});

describe("owning", () => {
  test("tags are set, listed and removed", async () => {
    expect(await land(["tag", "set", "pad@1.1.0", "old"])).toMatchObject({
      exitCode: 0,
      stderr: "pad@old is 1.1.0 now\n",
    });
    expect((await land(["tag", "list", "pad"])).stdout).toBe("latest  2.0.0\nold     1.1.0\n");
    const removed = await land(["tag", "remove", "pad", "old", "--json"]);
    expect(removed.json()).toEqual({ name: "pad", tag: "old" });
    expect((await land(["tag", "set", "pad@1.1.0", "^1"])).exitCode).toBe(1);
    expect((await land(["tag", "remove", "pad", "latest", "--json"])).json()).toMatchObject({
      code: "tag_fixed",
    });
  });

  test("owners are added, listed and removed, the last one never", async () => {
    expect((await land(["owner", "add", "pad", "grace"])).stderr).toBe("grace owns pad now\n");
    expect((await land(["owner", "list", "pad"])).stdout).toBe("ada\ngrace\n");
    expect((await land(["owner", "remove", "pad", "grace"])).exitCode).toBe(0);
    expect((await land(["owner", "remove", "pad", "ada", "--json"])).json()).toMatchObject({
      code: "last_owner",
    });
  });

  test("a deprecation shows where versions are read, until it is taken back", async () => {
    expect((await land(["deprecate", "left@<2"])).exitCode).toBe(2);
    const said = await land(["deprecate", "left@<2", "Use 2.x instead"]);
    expect(said).toMatchObject({ exitCode: 0, stderr: "Deprecated left@<2\n" });
    expect((await land(["info", "left@1.0.0"])).stdout).toContain("deprecated: Use 2.x instead");
    const { stdout } = await land(["outdated"]);
    expect(stdout).toContain("deprecated  left 1.0.0: Use 2.x instead");
    const undone = await land(["deprecate", "left", "--undo", "--json"]);
    expect(undone.json()).toEqual({ name: "left", range: "*", message: null });
    expect((await land(["outdated"])).stdout).not.toContain("deprecated");
    expect((await land(["deprecate", "left", "x", "--undo"])).exitCode).toBe(2);
  });
});
