import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { InstallMode } from "#install/options.ts";
import { stateFile } from "#install/state.ts";
import { hexOf, storePlaces } from "#install/store-places.ts";
import { repairStore } from "#install/store-repair.ts";

import { hashTree } from "../support/project.ts";
import { type InstallWorld, installWorld } from "./world.ts";

const CHILD = join(import.meta.dir, "..", "support", "installs-until-killed.ts");
const KILLS = 25;

let world: InstallWorld;
beforeEach(async () => {
  world = await installWorld();
  const { registry } = world;
  const many = (text: string) =>
    Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`lib/${n}.ts`, `${text} ${n}`]));
  await registry.add({ name: "pad", version: "1.0.0", files: many("pad") });
  for (const version of ["1.0.0", "2.0.0"]) {
    const bin = { left: "cli.ts" };
    const files = { ...many(`left ${version}`), "cli.ts": version };
    await registry.add({ name: "left", version, dependencies: { pad: "1" }, bin, files });
  }
  await registry.add({ name: "@ada/greet", version: "1.0.0", files: many("greet") });
});
afterEach(() => world[Symbol.asyncDispose]());

const add = (...packages: [name: string, range: string][]): InstallMode => ({
  kind: "add",
  packages: packages.map(([name, range]) => ({ name, range, kind: "dependencies", exact: false })),
});
const MODES: InstallMode[] = [
  add(["left", "1.0.0"], ["@ada/greet", "^1.0.0"]),
  add(["left", "2.0.0"]),
  { kind: "remove", names: ["@ada/greet"] },
  { kind: "remove", names: ["left"] },
];

function start(
  project: string,
  modes: InstallMode[],
  loop = "",
): Bun.Subprocess<"ignore", "pipe", "inherit"> {
  const { registry, at } = world;
  return Bun.spawn(
    [process.execPath, CHILD, at(project), at("home"), registry.url, JSON.stringify(modes), loop],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
}

test(`after each of ${KILLS} kills at any point, the next run leaves exactly what the manifest says`, async () => {
  await world.project("app", {});
  const leavings = (): string[] =>
    existsSync(world.at("app", "land_modules"))
      ? readdirSync(world.at("app", "land_modules")).filter((name) => name.startsWith(".land-"))
      : [];
  const seen = new Set<string>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    // Half of the runs begin with nothing in the store.
    if (kill % 2 === 0) await rm(world.at("home"), { recursive: true, force: true });
    const child = start("app", MODES, "loop");
    const reader = child.stdout.getReader();
    await reader.read();
    // Half of the kills aim at the short time in which the tree is changed.
    if (kill % 2 === 1) await spinUntil(() => leavings().length > 0, 2000);
    await spinUntil(() => false, kill % 2 === 1 ? kill % 9 : (kill * 37) % 160);
    child.kill("SIGKILL");
    await child.exited;
    for (const name of leavings()) seen.add(name);
    await world.install("app");
    await expectExact("app");
    await expectWhole();
    const inProject = await readdir(world.at("app"));
    expect(inProject.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  }
  // The kills did meet installs at work.
  expect(seen.size).toBeGreaterThan(0);
}, 120_000);

/** Waits, letting others run, until `there` or the time is over. */
async function spinUntil(there: () => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (!there() && performance.now() < end) await new Promise((go) => setImmediate(go));
}

/** Each byte of what has an index is what it should be. An archive whose process died before its index may be there too. */
async function expectWhole(): Promise<void> {
  const index = storePlaces(world.at("home")).index;
  const names = await readdir(index, { recursive: true }).catch(() => []);
  const result = await repairStore({ ...world.options("app"), deep: true });
  const madeAnew = result.repaired.filter(({ digest }) =>
    names.some((name) => name.endsWith(`${hexOf(digest)}.json`)),
  );
  expect({ madeAnew, lost: result.lost }).toEqual({ madeAnew: [], lost: [] });
}

/** The tree is the one that a fresh project with the same manifest and lock gets. */
async function expectExact(project: string): Promise<void> {
  const tree = await treeOf(project);
  const { dependencies } = JSON.parse(await world.read(project, "land.json"));
  await rm(world.at("fresh"), { recursive: true, force: true });
  await world.project("fresh", dependencies);
  await Bun.write(world.at("fresh", "land.lock"), Bun.file(world.at(project, "land.lock")));
  await world.install("fresh", { frozen: true, landHome: world.at("other-home") });
  expect(tree).toEqual(await treeOf("fresh"));
}

/** The files of a tree; one that holds nothing any more is the same as none. */
async function treeOf(project: string): Promise<Record<string, string>> {
  const dir = world.at(project, "land_modules");
  const names = await readdir(dir).catch(() => []);
  return names.length === 0 || names.join() === ".land.json" ? {} : hashTree(dir);
}

test("eight processes at once share one store, and one project", async () => {
  const projects = ["a", "b", "c", "d", "same"];
  for (const project of projects) await world.project(project, {});
  const children = [...projects, "same", "same", "same"].map((project) =>
    start(project, [add(["left", "2.0.0"]), add(["@ada/greet", "1.0.0"])]),
  );
  expect(await Promise.all(children.map(({ exited }) => exited))).toEqual(children.map(() => 0));
  const trees = await Promise.all(
    projects.map((project) => hashTree(world.at(project, "land_modules"))),
  );
  for (const tree of trees) expect(tree).toEqual(trees[0] ?? {});
  for (const project of projects) await expectExact(project);
  await expectWhole();
  const { projects: known } = await stateFile(world.options("a")).read();
  expect(known.map(({ dir }) => dir).toSorted()).toEqual(
    projects.map((name) => world.at(name)).toSorted(),
  );
}, 60_000);
