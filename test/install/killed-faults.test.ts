import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { InstallMode } from "#install/options.ts";
import { pruneStore } from "#install/prune.ts";
import { repairStore } from "#install/store-repair.ts";

import { hashTree } from "../support/project.ts";
import { type InstallWorld, installWorld } from "./world.ts";

const CHILD = join(import.meta.dir, "..", "support", "installs-until-killed.ts");

/** Every step, and which passages of it a process is killed at. */
const POINTS: readonly (readonly [point: string, passages: readonly number[]])[] = [
  ["store.object", [0, 3, 9]],
  ["store.replace", [0, 1, 2]],
  ["store.archive", [0, 1]],
  ["store.index", [0, 1]],
  ["store.added", [0, 1]],
  ["tree.lay", [0, 1]],
  ["commit.prepared", [0]],
  ["commit.journal", [0]],
  ["commit.file", [0, 1]],
  ["commit.away", [0]],
  ["commit.old", [0]],
  ["commit.place", [0, 1, 2]],
  ["commit.moved", [0]],
  ["commit.marker", [0]],
  ["commit.ended", [0]],
];

let world: InstallWorld;
/** What the change leads to, by a run that nobody killed. */
let wanted: Record<string, string>;

const add = (...packages: [name: string, range: string][]): InstallMode => ({
  kind: "add",
  packages: packages.map(([name, range]) => ({ name, range, kind: "dependencies", exact: false })),
});

beforeAll(async () => {
  world = await installWorld();
  const { registry } = world;
  const files = (text: string) =>
    Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`lib/${n}.ts`, `${text} ${n}`]));
  await registry.add({ name: "pad", version: "1.0.0", files: files("pad") });
  await registry.add({ name: "more", version: "1.0.0", files: files("more") });
  await registry.add({ name: "gone", version: "1.0.0", files: files("gone") });
  for (const [version, needs] of [
    ["1.0.0", { gone: "1" }],
    ["2.0.0", { more: "1", pad: "1" }],
  ] as const)
    await registry.add({
      name: "left",
      version,
      dependencies: { ...needs },
      bin: { left: "cli.ts" },
      files: { ...files(`left ${version}`), "cli.ts": version },
    });
  // The index folders of a new store are shared by all packages, so both begin with a change that was made whole.
  await world.project("app", {});
  await world.install("app", { mode: add(["left", "1.0.0"]) });
  await cp(world.at("app"), world.at("app-before"), { recursive: true });
  await cp(world.at("home"), world.at("home-before"), { recursive: true });
  await world.install("app", { mode: add(["left", "2.0.0"]) });
  wanted = await hashTree(world.at("app"));
});
afterAll(() => world[Symbol.asyncDispose]());

async function reset(): Promise<void> {
  for (const name of ["app", "home"]) {
    await rm(world.at(name), { recursive: true, force: true });
    await cp(world.at(`${name}-before`), world.at(name), { recursive: true });
  }
}

/** Makes the change in a process that dies at the point. */
async function killedAt(point: string, passage: number): Promise<number | string> {
  const { registry, at } = world;
  const child = Bun.spawn(
    [
      process.execPath,
      "--define",
      "LAND_FAULTS=true",
      CHILD,
      at("app"),
      at("home"),
      registry.url,
      JSON.stringify([add(["left", "2.0.0"])]),
    ],
    {
      env: { ...process.env, LAND_FAULT: `${point}:${passage}` },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  await child.exited;
  return child.signalCode ?? child.exitCode ?? -1;
}

describe.each(POINTS.map(([point, passages]) => ({ point, passages })))(
  "killed at $point",
  ({ point, passages }) => {
    test.each([...passages])("passage %i", async (passage) => {
      await reset();
      expect(await killedAt(point, passage)).toBe("SIGKILL");
      // What the dead process had decided is done; what it had not, this run does.
      await world.install("app", { mode: { kind: "install" } });
      await world.install("app", { mode: add(["left", "2.0.0"]) });
      expect(await hashTree(world.at("app"))).toEqual(wanted);
      const names = await readdir(world.at("app"), { recursive: true });
      expect(names.filter((name) => /\.tmp$|\.land-/.test(name))).toEqual([]);
      const repaired = await repairStore({ ...world.options("app"), deep: true });
      expect(repaired).toMatchObject({ repaired: [], lost: [] });
    });
  },
);

test("killed while it prunes, a store has nothing that is not whole", async () => {
  for (const [point, passage] of [
    ["prune.index", 0],
    ["prune.object", 0],
    ["prune.object", 4],
  ] as const) {
    await reset();
    await rm(world.at("app"), { recursive: true });
    const script = `
      const { pruneStore } = await import(${JSON.stringify(join(import.meta.dir, "../../src/install/prune.ts"))});
      const limits = { maxBytes: 0, maxAgeDays: 0, all: true };
      const home = { landHome: process.argv[1], command: "land", lockTimeoutMs: 5000, now: () => new Date() };
      await pruneStore({ ...home, limits, dryRun: false });`;
    const child = Bun.spawn(
      [process.execPath, "--define", "LAND_FAULTS=true", "-e", script, world.at("home")],
      {
        env: { ...process.env, LAND_FAULT: `${point}:${passage}` },
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");
    await cp(world.at("app-before"), world.at("app"), { recursive: true });
    await rm(world.at("app", "land_modules"), { recursive: true });
    await world.install("app");
    expect(await hashTree(world.at("app"))).toEqual(await hashTree(world.at("app-before")));
    const home = world.options("app");
    expect(await repairStore({ ...home, deep: true })).toMatchObject({ repaired: [], lost: [] });
    const limits = { maxBytes: 0, maxAgeDays: 0, all: true };
    expect(await pruneStore({ ...home, limits, dryRun: false })).toMatchObject({ packages: [] });
  }
}, 60_000);

test("in a build for users there is no such point", async () => {
  const define = /LAND_FAULTS: ("[a-z]+")/.exec(
    await Bun.file(join(import.meta.dir, "../../build.ts")).text(),
  );
  const entrypoints = [join(import.meta.dir, "../../src/install/commit.ts")];
  const build = (faults: string) =>
    Bun.build({ entrypoints, target: "bun", minify: true, define: { LAND_FAULTS: faults } });
  const textOf = async (faults: string) => (await (await build(faults)).outputs[0]?.text()) ?? "";
  expect(await textOf("true")).toContain("LAND_FAULT");
  const text = await textOf(JSON.parse(define?.[1] ?? '"true"'));
  expect(text.length).toBeGreaterThan(1000);
  expect(text).not.toContain("LAND_FAULT");
});
