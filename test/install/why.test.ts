import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";

import { filterRoots } from "#install/list-roots.ts";
import { listInstalled } from "#install/list.ts";
import { explainInstalled, type WhyNode } from "#install/why.ts";
import { writeFiles } from "#test/support/project.ts";

import { type InstallWorld, installWorld } from "./world.ts";

/** Reading what is installed: who needs what, what is missing, what is too much. */
let world: InstallWorld;
beforeAll(async () => {
  world = await installWorld();
  const needs: Record<string, Record<string, string>> = {
    pad: {},
    left: { pad: "^1.0.0" },
    right: { left: "1.x", pad: "1" },
    chicken: { egg: "1.x" },
    egg: { chicken: "1.x" },
  };
  for (const [name, dependencies] of Object.entries(needs))
    await world.registry.add({ name, version: "1.0.0", dependencies });
  await world.project("app", { right: "^1.0.0" }, { devDependencies: { chicken: "1.0.0" } });
  await world.install("app");
});
afterAll(() => world[Symbol.asyncDispose]());

/** `left(^1.0.0)` above what needs it, `app!` where a way ends. */
function draw(nodes: readonly WhyNode[]): string[] {
  return nodes.map(({ name, folder, range, again, dependents }) => {
    const below = draw(dependents).join(" ");
    const head = `${name}${folder === undefined ? "" : "!"}(${range})${again ? `:${again}` : ""}`;
    return below === "" ? head : `${head}[${below}]`;
  });
}

test("every way to a package, each package whole where it is nearest", async () => {
  const { found } = await explainInstalled(world.at("app"), "pad");
  expect(found).toMatchObject({ name: "pad", version: "1.0.0", installed: true });
  expect(draw(found?.dependents ?? [])).toEqual([
    "right(1)[app!(^1.0.0)]",
    "left(^1.0.0)[right(1.x):seen]",
  ]);
});

test("a cycle ends where it comes back", async () => {
  const { found } = await explainInstalled(world.at("app"), "egg");
  expect(draw(found?.dependents ?? [])).toEqual(["chicken(1.x)[app!(1.0.0) egg(1.x):cycle]"]);
  expect(found?.dependents[0]?.dependents[0]).toMatchObject({ kind: "devDependencies" });
});

test("what is not there is answered with what is", async () => {
  const answer = await explainInstalled(world.at("app"), "lfet");
  expect(answer).toEqual({ names: ["chicken", "egg", "left", "pad", "right"] });
});

test("a package whose folder is gone is known from the lock, without the ranges it asks", async () => {
  await world.project("bare", { right: "1" }, { overrides: { pad: "1.0.0" } });
  await world.install("bare");
  await rm(world.at("bare", "land_modules"), { recursive: true });
  const { found } = await explainInstalled(world.at("bare"), "pad");
  expect(found).toMatchObject({ installed: false, override: "1.0.0" });
  expect(draw(found?.dependents ?? [])[0]).toBe("right(undefined)[bare!(1)]");
});

test("many ways cost no more than the requirements there are", async () => {
  const layers = 12;
  for (let at = 0; at < layers; at++)
    for (const side of ["a", "b"])
      await world.registry.add({
        name: `${side}${at}`,
        version: "1.0.0",
        dependencies: at === 0 ? {} : { [`a${at - 1}`]: "1", [`b${at - 1}`]: "1" },
      });
  await world.project("deep", { [`a${layers - 1}`]: "1", [`b${layers - 1}`]: "1" });
  await world.install("deep");
  const { found } = await explainInstalled(world.at("deep"), "a0");
  const count = (nodes: readonly WhyNode[]): number =>
    nodes.reduce((sum, node) => sum + 1 + count(node.dependents), 0);
  expect(count(found?.dependents ?? [])).toBeLessThan(layers * 4 + 2);
});

test("what is missing and what is too much is told", async () => {
  await world.project("messy", { left: "1" });
  await world.install("messy");
  await rm(world.at("messy", "land_modules", "pad"), { recursive: true });
  await mkdir(world.at("messy", "land_modules", "@odd", "one"), { recursive: true });
  await writeFiles(world.at("messy"), {
    "land.json": '{ "name": "messy", "dependencies": { "left": "1", "right": "1" } }',
  });
  const { missing, extraneous, packages } = await listInstalled(world.at("messy"));
  expect(packages.map(({ name }): string => name)).toEqual(["left", "pad"]);
  expect(missing.map(({ name }): string => name)).toEqual(["pad"]);
  expect(extraneous).toEqual([{ name: "@odd/one" }]);
});

test("members of a workspace are roots, chosen by name or folder", async () => {
  await world.project("work", { left: "1" }, { workspaces: ["packages/*"] });
  await writeFiles(world.at("work"), {
    "packages/one/land.json":
      '{ "name": "@work/one", "version": "1.0.0", "dependencies": { "right": "1" } }',
    "packages/two/land.json":
      '{ "name": "@work/two", "version": "1.0.0", "dependencies": { "@work/one": "workspace:^" } }',
  });
  await world.install("work");
  const { roots, extraneous, missing } = await listInstalled(world.at("work", "packages", "one"));
  expect(roots.map(({ folder }) => folder)).toEqual([".", "packages/one", "packages/two"]);
  expect({ extraneous, missing }).toEqual({ extraneous: [], missing: [] });
  const chosen = (...patterns: string[]) => filterRoots(roots, patterns).map((root) => root.folder);
  expect(chosen("@work/*")).toEqual(["packages/one", "packages/two"]);
  expect(chosen("./packages/*", "!@work/two")).toEqual(["packages/one"]);
  expect(() => chosen("nothing")).toThrow("Cannot find a project or member");
  const { found } = await explainInstalled(world.at("work"), "right");
  expect(draw(found?.dependents ?? [])).toEqual(["@work/one!(1)"]);
  const member = await explainInstalled(world.at("work"), "@work/one");
  expect(member.found).toMatchObject({ member: "packages/one", version: "1.0.0", installed: true });
  expect(draw(member.found?.dependents ?? [])).toEqual(["@work/two!(workspace:^)"]);
});
