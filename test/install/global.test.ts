import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { cp, mkdir, rename, rm, symlink } from "node:fs/promises";

import type { ClientHooks } from "#base/client-hooks.ts";
import { LandError } from "#base/errors.ts";
import { parsePackageName } from "#base/names.ts";
import { syncBins } from "#install/global-bins.ts";
import {
  type GlobalOptions,
  installGlobals,
  listGlobals,
  removeGlobals,
  updateGlobals,
} from "#install/global.ts";
import { pruneStore } from "#install/prune.ts";
import type { State } from "#install/state-model.ts";
import { stateFile } from "#install/state.ts";

import { type InstallWorld, installWorld } from "./world.ts";

let world: InstallWorld;
beforeEach(async () => {
  world = await installWorld();
  const { registry } = world;
  await registry.add({
    name: "pad",
    version: "1.0.0",
    bin: { pad: "pad.sh" },
    files: { "pad.sh": "#!/bin/sh\n" },
  });
  for (const version of ["1.0.0", "1.1.0", "2.0.0"])
    await registry.add({
      name: "@ada/greet",
      version,
      dependencies: { pad: "1" },
      bin: { greet: "greet.sh", hello: "greet.sh" },
      files: { "greet.sh": `#!/bin/sh\necho hello ${version} "$@"\n` },
    });
  await registry.add({
    name: "rude",
    version: "1.0.0",
    bin: { Greet: "rude.sh", rude: "rude.sh" },
    files: { "rude.sh": "#!/bin/sh\necho go away\n" },
  });
});
afterEach(() => world[Symbol.asyncDispose]());

function options(more: Partial<GlobalOptions> = {}): GlobalOptions {
  const { dir: _dir, mode: _mode, frozen: _frozen, ...rest } = world.options(".");
  return { ...rest, state: stateFile(rest), random: (size) => randomBytes(size), ...more };
}

const install = (...specs: string[]) =>
  installGlobals(
    options(),
    specs.map((spec) => {
      const at = spec.indexOf("@", 1);
      return at < 0
        ? { name: spec, exact: false }
        : { name: spec.slice(0, at), range: spec.slice(at + 1), exact: false };
    }),
  );

async function refusal(act: Promise<unknown>): Promise<LandError> {
  const error = await act.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LandError) return error;
  throw new Error("it did not fail as it should", { cause: error });
}

const bins = (): string[] =>
  existsSync(world.at("home", "bin")) ? readdirSync(world.at("home", "bin")).toSorted() : [];
const names = async (): Promise<string[]> =>
  (await listGlobals(options())).map(({ name, version }) => `${name} ${version}`);
const state = () => stateFile(options()).read();

/** What `command` of the global packages says. */
async function say(command: string): Promise<string> {
  const child = Bun.spawn([world.at("home", "bin", command), "you"], { stdout: "pipe" });
  return (await child.stdout.text()).trim();
}

test("a global package has a tree of its own, and its commands alone are linked", async () => {
  const change = await install("@ada/greet@1.0.0");
  expect(change).toMatchObject({
    added: [{ name: "@ada/greet", version: "1.0.0" }],
    removed: [],
    changed: [],
    unchanged: 0,
  });
  expect(change.bins.map(({ command }) => command)).toEqual(["greet", "hello"]);
  expect(bins()).toEqual(["greet", "hello"]);
  expect(await say("greet")).toBe("hello 1.0.0 you");
  expect((await state()).globals).toMatchObject([
    {
      name: "@ada/greet",
      version: "1.0.0",
      range: "1.0.0",
      bins: ["greet", "hello"],
      registry: world.registry.url,
    },
  ]);
});

test("installing again, updating and updating past the range", async () => {
  await install("@ada/greet@^1.0.0 <1.1.0", "pad");
  expect(await names()).toEqual(["@ada/greet 1.0.0", "pad 1.0.0"]);
  expect(await install("@ada/greet@^1.0.0")).toMatchObject({
    added: [],
    changed: [],
    unchanged: 2,
  });
  expect(await updateGlobals(options(), [], { latest: false })).toMatchObject({
    changed: [{ name: "@ada/greet", version: "1.1.0", from: "1.0.0" }],
    unchanged: 1,
  });
  expect(await say("hello")).toBe("hello 1.1.0 you");
  await updateGlobals(options(), ["@ada/greet"], { latest: true });
  expect(await say("hello")).toBe("hello 2.0.0 you");
  const [greet] = (await state()).globals;
  expect(greet).toMatchObject({ range: "^2.0.0", version: "2.0.0" });
  expect((await refusal(updateGlobals(options(), ["left"], { latest: false }))).code).toBe(
    "not_found",
  );
});

test("uninstalling takes the tree and the commands away, of all or of none", async () => {
  await install("@ada/greet", "pad");
  const error = await refusal(removeGlobals(options(), ["pad", "left"]));
  expect(error.code).toBe("not_found");
  expect(await names()).toEqual(["@ada/greet 2.0.0", "pad 1.0.0"]);
  expect(await removeGlobals(options(), ["@ada/greet"])).toMatchObject({
    removed: [{ name: "@ada/greet", version: "2.0.0" }],
    unchanged: 1,
  });
  expect(bins()).toEqual(["pad"]);
  expect(readdirSync(world.at("home", "packages"))).toEqual(["pad"]);
  expect((await state()).globals.map(({ name }) => String(name))).toEqual(["pad"]);
});

test("two packages that claim one command, also in another case: nothing changes", async () => {
  await install("@ada/greet@1.0.0");
  const before = await state();
  const error = await refusal(install("rude", "pad", "@ada/greet@2.0.0"));
  expect(error).toMatchObject({
    code: "bin_taken",
    data: { first: "rude", second: "@ada/greet" },
  });
  expect(error.hint).toContain("land uninstall -g rude");
  expect((await state()).globals).toEqual(before.globals);
  expect(bins()).toEqual(["greet", "hello"]);
  expect(await names()).toEqual(["@ada/greet 1.0.0"]);
  expect(readdirSync(world.at("home", "packages"))).toEqual(["@ada"]);
});

test("one of several that cannot be found: nothing changes", async () => {
  expect((await refusal(install("pad", "absent"))).code).toBe("package_not_found");
  expect(await names()).toEqual([]);
  expect(bins()).toEqual([]);
});

test("a command that land did not make is never touched", async () => {
  await mkdir(world.at("home", "bin"), { recursive: true });
  await Bun.write(world.at("home", "bin", "land"), "the program itself");
  await Bun.write(world.at("home", "bin", "greet"), "mine");
  await symlink("/bin/sh", world.at("home", "bin", "pad"));
  expect(await refusal(install("@ada/greet"))).toMatchObject({
    code: "bin_foreign",
    data: { bin: "greet", path: world.at("home", "bin", "greet") },
  });
  expect((await refusal(install("pad"))).code).toBe("bin_foreign");
  await rename(world.at("home", "bin", "greet"), world.at("home", "bin", "mine"));
  await install("@ada/greet");
  await removeGlobals(options(), ["@ada/greet"]);
  expect(bins()).toEqual(["land", "mine", "pad"]);
  expect(readlinkSync(world.at("home", "bin", "pad"))).toBe("/bin/sh");
  expect(await world.read("home", "bin", "mine")).toBe("mine");
});

test("commands, state and folders that a run lost or that went by hand are mended", async () => {
  await install("@ada/greet@1.0.0", "pad");
  const before = await state();
  await rm(world.at("home", "bin"), { recursive: true });
  await rm(world.at("home", "state.json"));
  await mkdir(world.at("home", "packages", "half"));
  await mkdir(world.at("home", "packages", ".removed-0123456789abcdef", "x"), { recursive: true });
  expect(await names()).toEqual(["@ada/greet 1.0.0", "pad 1.0.0"]);
  expect(bins()).toEqual(["greet", "hello", "pad"]);
  const undated = (globals: State["globals"]) =>
    globals.map((item) => ({ ...item, installedAt: "" }));
  expect(undated((await state()).globals)).toEqual(undated(before.globals));
  expect(readdirSync(world.at("home", "packages")).toSorted()).toEqual(["@ada", "pad"]);
  await rm(world.at("home", "packages", "pad"), { recursive: true });
  expect(await names()).toEqual(["@ada/greet 1.0.0"]);
  expect(bins()).toEqual(["greet", "hello"]);
});

test("a command that two folders bring stays with the package that had it", async () => {
  await install("@ada/greet@1.0.0");
  const elsewhere = { landHome: world.at("elsewhere") };
  const other = { ...elsewhere, state: stateFile(world.options(".", elsewhere)) };
  await installGlobals(options(other), [{ name: "rude", exact: false }]);
  await cp(world.at("elsewhere", "packages", "rude"), world.at("home", "packages", "rude"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  expect(await names()).toEqual(["@ada/greet 1.0.0", "rude 1.0.0"]);
  expect((await state()).globals.map((item) => item.bins)).toEqual([["greet", "hello"], ["rude"]]);
  expect(await say("greet")).toBe("hello 1.0.0 you");
});

test("what global packages need in turn is kept, also where nothing else may stay", async () => {
  await install("@ada/greet@1.0.0");
  const limits = { maxBytes: 0, maxAgeDays: 0, all: true };
  expect(await pruneStore({ ...options(), limits, dryRun: false })).toMatchObject({ packages: [] });
});

test("hooks hear of what happened out of the lock: they may ask for the global packages", async () => {
  const heard: string[] = [];
  const hooks: ClientHooks = {
    async emit(name) {
      if (name.startsWith("post")) await listGlobals(options({ lockTimeoutMs: 0 }));
      heard.push(name);
    },
  };
  await installGlobals(options({ hooks }), [{ name: "pad", exact: false }]);
  await removeGlobals(options({ hooks }), ["pad"]);
  expect(heard).toEqual(["preInstall", "postInstall", "preUninstall", "postUninstall"]);
});

test("a package whose tree went by hand stays known, and an update lays it again", async () => {
  await install("@ada/greet@1.0.0");
  await rm(world.at("home", "packages", "@ada", "greet", "land_modules"), { recursive: true });
  expect(await names()).toEqual(["@ada/greet 1.0.0"]);
  await updateGlobals(options(), [], { latest: false });
  expect(await say("greet")).toBe("hello 1.0.0 you");
});

test("the state of a newer land is refused before anything changes", async () => {
  await install("pad");
  await Bun.write(world.at("home", "state.json"), '{"version": 2}');
  expect((await refusal(install("@ada/greet"))).code).toBe("state_version_unknown");
  expect((await refusal(removeGlobals(options(), ["pad"]))).code).toBe("state_version_unknown");
  expect((await refusal(listGlobals(options()))).code).toBe("state_version_unknown");
  expect(await world.read("home", "state.json")).toBe('{"version": 2}');
  expect(bins()).toEqual(["pad"]);
});

test("two at once wait for each other, and both are there", async () => {
  await Promise.all([install("pad"), install("@ada/greet"), install("pad@^1.0.0")]);
  expect(await names()).toEqual(["@ada/greet 2.0.0", "pad 1.0.0"]);
  expect(bins()).toEqual(["greet", "hello", "pad"]);
});

test("a command without #! is run by land, through the link too; Windows gets shims that only land takes for its own", async () => {
  const program = {
    files: { "cli.ts": "console.log(process.argv.slice(2).join())" },
    bin: { typed: "cli.ts" },
  };
  await world.registry.add({ name: "typed", version: "1.0.0", ...program });
  await installGlobals(options({ landBinary: process.execPath }), [
    { name: "typed", exact: false },
  ]);
  expect(await say("typed")).toBe("you");
  const bin = { command: "typed", package: parsePackageName("typed") };
  const random = () => randomBytes(8).toString("hex");
  await syncBins(world.at("windows"), [bin], random, true);
  const path = world.at("windows", "bin", "typed.cmd");
  expect(await Bun.file(path).text()).toContain("packages\\typed\\land_modules\\.bin\\typed.cmd");
  await Bun.write(world.at("windows", "bin", "mine.cmd"), "@echo off");
  expect(await syncBins(world.at("windows"), [{ ...bin, command: "mine" }], random, true)).toEqual([
    "mine",
  ]);
  expect(readdirSync(world.at("windows", "bin"))).toEqual(["mine.cmd"]);
});

test("without a home there is nothing to list, and none is made", async () => {
  expect(await listGlobals(options({ landHome: world.at("nowhere") }))).toEqual([]);
  expect(existsSync(world.at("nowhere"))).toBe(false);
  expect(realpathSync(world.root)).toBe(world.root);
});
