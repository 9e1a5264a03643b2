import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, lstat, mkdir, readlink, rm, symlink } from "node:fs/promises";

import { listInstalled } from "#install/list.ts";

import { archiveOf, problem } from "../support/fake-registry.ts";
import { writeFiles } from "../support/project.ts";
import { type InstallWorld, stockedWorld } from "./world.ts";

let world: InstallWorld;
beforeEach(async () => {
  world = await stockedWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name);

describe("the ways of installing", () => {
  test("add writes manifest, lock and tree; a second install asks nothing", async () => {
    await world.project("app", {});
    const added = await world.add("app", { name: "@ada/greet" });
    expect(added).toMatchObject({ removed: [], changed: [], unchanged: 0 });
    expect(names(added.added)).toEqual(["@ada/greet", "left", "pad"]);
    expect(JSON.parse(await world.read("app", "land.json")).dependencies).toEqual({
      "@ada/greet": "^0.1.0",
    });
    expect(await world.read("app", "land_modules", "left", "deep/er/x.txt")).toBe("x");
    const before = await world.snapshot("app");
    world.registry.mend();
    expect(await world.install("app")).toEqual({
      added: [],
      removed: [],
      changed: [],
      unchanged: 3,
    });
    expect(world.registry.requests).toEqual([]);
    expect(await world.snapshot("app")).toEqual(before);
    expect(await listInstalled(world.at("app"))).toMatchObject({
      packages: [
        { name: "@ada/greet", version: "0.1.0", dependencies: ["left"] },
        { name: "left", dependencies: ["pad"] },
        { name: "pad", dependencies: [] },
      ],
    });
  });

  test("add takes ranges, tags, exact versions and kinds, and moves what stands elsewhere", async () => {
    await world.registry.add({ name: "left", version: "1.3.0" });
    await world.registry.add({ name: "left", version: "2.0.0-beta.1" });
    await world.registry.add({ name: "left", version: "3.0.0", engines: { land: ">=9" } });
    await world.registry.add({ name: "left", version: "4.0.0", yanked: true });
    await world.project("app", {});
    await world.add("app", { name: "left", exact: true }, { name: "pad", range: "1.x" });
    expect(JSON.parse(await world.read("app", "land.json")).dependencies).toEqual({
      left: "1.3.0",
      pad: "1.x",
    });
    await world.add("app", { name: "left", kind: "devDependencies", range: "~1.2" });
    expect(JSON.parse(await world.read("app", "land.json"))).toMatchObject({
      dependencies: { pad: "1.x" },
      devDependencies: { left: "~1.2" },
    });
    expect(await world.read("app", "land.lock")).toContain('devDependencies = ["left@~1.2"]');
  });

  test("remove takes away what nothing needs any more", async () => {
    await world.project("app", { "@ada/greet": "*", pad: "*" });
    await world.install("app");
    const removed = await world.install("app", { mode: { kind: "remove", names: ["@ada/greet"] } });
    expect(removed).toMatchObject({ added: [], unchanged: 1 });
    expect(names(removed.removed)).toEqual(["@ada/greet", "left"]);
    expect(Object.keys(await world.snapshot("app"))).toEqual([
      "land.json",
      "land.lock",
      "land_modules/.land.json",
      "land_modules/pad/index.ts",
      "land_modules/pad/land.json",
    ]);
    await expect(lstat(world.at("app", "land_modules", "@ada"))).rejects.toThrow("ENOENT");
    const again = await world.refusal("app", { mode: { kind: "remove", names: ["left"] } });
    expect(again).toMatchObject({ code: "not_found" });
  });

  test("a locked version stays until it is updated", async () => {
    await world.project("app", { left: "^1.0.0" });
    await world.install("app");
    await world.registry.add({ name: "left", version: "1.4.0" });
    expect((await world.add("app", { name: "pad" })).changed).toEqual([]);
    const updated = await world.install("app", {
      mode: { kind: "update", names: ["left"], latest: false },
    });
    expect(updated.changed).toMatchObject([{ name: "left", version: "1.4.0", from: "1.2.0" }]);
  });

  test("frozen installs the lock with an empty store and without metadata", async () => {
    await world.project("app", { "@ada/greet": "*" });
    expect(await world.refusal("app", { frozen: true })).toMatchObject({ code: "lock_missing" });
    await world.install("app");
    await rm(world.at("home"), { recursive: true });
    const other = await world.project("other", { "@ada/greet": "*" }, { name: "app" });
    await writeFiles(world.at(other), { "land.lock": await world.read("app", "land.lock") });
    world.registry.mend();
    await world.install(other, { frozen: true });
    expect(world.registry.requests.map(({ line }) => line)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^GET .*\/download$/)]),
    );
    expect(world.registry.requests.filter(({ line }) => line.includes("/index"))).toEqual([]);
    const tree = await world.snapshot("app");
    expect({ ...(await world.snapshot(other)), "land.json": "" }).toEqual({
      ...tree,
      "land.json": "",
    });
    await world.project(other, { "@ada/greet": "^0.1.0" });
    const outdated = await world.refusal(other, { frozen: true });
    expect(outdated.message).toContain('"@ada/greet@^0.1.0" is not in it');
  });

  test("offline works from the store and the cache, or says what is missing", async () => {
    await world.project("app", { left: "*" });
    expect(await world.refusal("app", { offline: true })).toMatchObject({
      code: "network",
      exitCode: 13,
    });
    await world.install("app");
    world.registry.mend();
    await world.project("other", { left: "*" });
    await world.install("other", { offline: true });
    expect(world.registry.requests).toEqual([]);
    expect(await world.read("other", "land_modules", "pad", "index.ts")).toContain("pad");
  });

  test("a lock that says the same is not rewritten", async () => {
    await world.project("app", { left: "*" });
    await world.install("app");
    const windows = (await world.read("app", "land.lock")).replaceAll("\n", "\r\n");
    await writeFiles(world.at("app"), { "land.lock": windows });
    await world.install("app");
    expect(await world.read("app", "land.lock")).toBe(windows);
  });
});

test("a lock with conflict markers is merged, and written without them", async () => {
  await world.project("app", { left: "*" });
  await world.install("app");
  const lock = await world.read("app", "land.lock");
  const line = 'dependencies = ["left@*"]';
  const theirs = 'dependencies = ["@ada/greet@*"]';
  const text = lock.replace(line, `<<<<<<< a\n${line}\n=======\n${theirs}\n>>>>>>> b`);
  await writeFiles(world.at("app"), { "land.lock": text });
  expect(await world.refusal("app", { frozen: true })).toMatchObject({ code: "lock_invalid" });
  expect(await world.install("app")).toMatchObject({ unchanged: 2 });
  expect(await world.read("app", "land.lock")).toBe(lock);
});

describe("commands of packages", () => {
  test("are linked, or run by land where they have no #!", async () => {
    await world.registry.add({
      name: "tool",
      version: "1.0.0",
      bin: { tool: "cli.ts", own: "own.sh", gone: "missing.js" },
      files: { "cli.ts": "console.log(1)\n", "own.sh": "#!/bin/sh\necho own $1\n" },
    });
    await world.project("app", { tool: "*" });
    await world.install("app", { landBinary: world.at("it's land") });
    expect(await readlink(world.at("app/land_modules/.bin/own"))).toBe("../tool/own.sh");
    expect(Bun.spawnSync([world.at("app/land_modules/.bin/own"), "yes"]).stdout.toString()).toBe(
      "own yes\n",
    );
    await Bun.write(world.at("it's land"), '#!/bin/sh\nprintf "%s|" "$@"\n');
    await chmod(world.at("it's land"), 0o755);
    const shim = Bun.spawnSync([world.at("app/land_modules/.bin/tool"), "a b", "--c"]);
    expect(shim.stdout.toString()).toBe(
      `run|--|${world.at("app/land_modules/.bin")}/../tool/cli.ts|a b|--c|`,
    );
    await expect(lstat(world.at("app/land_modules/.bin/gone"))).rejects.toThrow("ENOENT");
    await world.install("app", { mode: { kind: "remove", names: ["tool"] } });
    await expect(lstat(world.at("app/land_modules/.bin"))).rejects.toThrow("ENOENT");
  });

  test("two packages that bring the same one stop the install", async () => {
    await world.registry.add({
      name: "a",
      version: "1.0.0",
      bin: { x: "x.js" },
      files: { "x.js": "" },
    });
    await world.registry.add({
      name: "b",
      version: "1.0.0",
      bin: { X: "x.js" },
      files: { "x.js": "" },
    });
    await world.project("app", { a: "*", b: "*" });
    const before = await world.snapshot("app");
    expect(await world.refusal("app")).toMatchObject({ code: "bin_taken" });
    expect(await world.snapshot("app")).toEqual(before);
  });
});

describe("a folder that land did not make", () => {
  beforeEach(async () => {
    await world.project("app", { left: "*" });
    await writeFiles(world.at("app"), {
      "land_modules/left/mine.txt": "mine",
      "land_modules/own/x": "x",
    });
  });

  test("is not touched, or replaced with yes", async () => {
    const before = await world.snapshot("app");
    expect(await world.refusal("app")).toMatchObject({ code: "install_dir_foreign" });
    expect(await world.snapshot("app")).toEqual(before);
    await world.install("app", { yes: true });
    const paths = Object.keys(await world.snapshot("app"));
    expect(paths.filter((path) => /mine|own/.test(path))).toEqual([]);
    expect(paths).toContain("land_modules/left/deep/er/x.txt");
    expect(await world.install("app")).toMatchObject({ unchanged: 2 });
  });

  test("is not reached through a link", async () => {
    await rm(world.at("app", "land_modules"), { recursive: true });
    await writeFiles(world.at("precious"), { "left/keep.txt": "keep" });
    await mkdir(world.at("app", "land_modules"));
    await symlink(world.at("precious"), world.at("app", "land_modules", "@ada"));
    await writeFiles(world.at("app"), { "land_modules/.land.json": '{"format":1,"packages":{}}' });
    await world.project("app", { "@ada/greet": "*" });
    await world.install("app");
    expect(await world.snapshot("precious")).toMatchObject({ "left/keep.txt": expect.any(String) });
    expect((await lstat(world.at("app/land_modules/@ada"))).isDirectory()).toBe(true);
  });

  test("a marker that a checkout brought along cannot lead outside", async () => {
    const packages = {
      left: {
        version: "1.0.0",
        digest: `sha256:${"0".repeat(64)}`,
        bin: { x: { path: "../../x", runner: "own" } },
      },
    };
    await writeFiles(world.at("app"), {
      "land_modules/.land.json": JSON.stringify({ format: 1, packages }),
    });
    expect(await world.refusal("app")).toMatchObject({ code: "install_dir_foreign" });
  });
});

test.each(["../victim.txt", "a/../../victim.txt", "..", ".", ""])(
  "a journal that a checkout brought along cannot lead outside by %j",
  async (name) => {
    await world.project("app", { left: "1" });
    const journal = { format: 1, files: [], clear: [name], remove: [], place: [], bins: "keep" };
    const placed = JSON.stringify({ format: 1, packages: {} });
    await writeFiles(world.at("app"), {
      "victim.txt": "mine",
      "land_modules/.land-journal.json": JSON.stringify({ ...journal, placed }),
      "land_modules/.land-staging/new/x": "",
    });
    await world.install("app", { yes: true });
    expect(await world.read("app", "victim.txt")).toBe("mine");
    expect(await world.read("app", "land_modules", "left", "deep/er/x.txt")).toBe("x");
  },
);

describe("a store that was damaged", () => {
  test("heals from its archive, else by fetching again", async () => {
    await world.project("app", { left: "*" });
    await world.install("app");
    await rm(world.at("home/store/v1/files"), { recursive: true });
    await rm(world.at("app/land_modules"), { recursive: true });
    world.registry.mend();
    expect(names((await world.install("app")).added)).toEqual(["left", "pad"]);
    expect(world.registry.requests).toEqual([]);
    await rm(world.at("home/store/v1/files"), { recursive: true });
    await rm(world.at("home/store/v1/sha256"), { recursive: true });
    await rm(world.at("app/land_modules/left"), { recursive: true });
    expect(await world.install("app")).toMatchObject({ added: [{ name: "left" }], unchanged: 1 });
    expect(world.registry.requests.map(({ line }) => line)).toEqual([
      "GET /api/v1/packages/left/1.2.0/download",
    ]);
  });

  test("an archive that was replaced by another whole one is fetched again", async () => {
    await world.project("app", { left: "1" });
    await world.install("app");
    const before = await world.snapshot("app");
    const { packages } = await listInstalled(world.at("app"));
    const hex = packages.find(({ name }) => name === "left")?.digest.slice("sha256:".length) ?? "";
    const store = world.at("home", "store", "v1");
    const planted = archiveOf({ name: "left", version: "1.2.0", files: { "evil.ts": "evil" } });
    await rm(`${store}/index/${hex.slice(0, 2)}/${hex}.json`);
    await rm(`${store}/sha256/${hex.slice(0, 2)}/${hex}`);
    await Bun.write(`${store}/sha256/${hex.slice(0, 2)}/${hex}`, planted);
    await rm(world.at("app", "land_modules"), { recursive: true });
    expect(await world.refusal("app", { offline: true })).toMatchObject({ code: "network" });
    await world.install("app");
    expect(await world.snapshot("app")).toEqual(before);
  });
});

test("a tag names a version", async () => {
  await world.project("app", {});
  world.registry.fail("GET /api/v1/packages/left", () => problem(404, "package_not_found"));
  const mode = {
    kind: "add" as const,
    packages: [{ name: "left", range: "next", kind: "dependencies" as const, exact: false }],
  };
  expect(await world.refusal("app", { mode })).toMatchObject({ code: "package_not_found" });
});
