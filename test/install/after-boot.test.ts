import { afterEach, beforeEach, expect, test } from "bun:test";
import { rm, stat } from "node:fs/promises";

import type { InstallOptions } from "#install/options.ts";

import { type InstallWorld, stockedWorld } from "./world.ts";

/** What a loss of power may leave of a tree: files that are empty though the marker tells of them. */
let world: InstallWorld;
let problems: string[];
beforeEach(async () => {
  world = await stockedWorld();
  await world.registry.add({
    name: "tool",
    version: "1.0.0",
    files: { "tool.ts": "console.log(1);\n" },
    bin: { tool: "tool.ts" },
  });
  await world.project("app", { "@ada/greet": "*", tool: "*" });
  await world.install("app");
  problems = [];
});
afterEach(() => world[Symbol.asyncDispose]());

const tree = (...path: string[]): string => world.at("app", "land_modules", ...path);
const install = (bootedAt: Date, more: Partial<InstallOptions> = {}) =>
  world.install("app", {
    bootedAt,
    onEvent: (event) => void (event.kind === "warn" && problems.push(event.problem)),
    ...more,
  });
/** Just after the tree was laid, or looked at. */
async function afterLaying(): Promise<Date> {
  return new Date((await stat(tree(".land.json"))).ctimeMs + 1);
}
/** Takes what others may share with it out of the way first. */
async function empty(...path: string[]): Promise<void> {
  await rm(tree(...path));
  await Bun.write(tree(...path), "");
}

test("in the start of the machine in which a tree was laid nothing of it is looked at", async () => {
  await empty("pad", "index.ts");
  const laid = (await afterLaying()).getTime();
  expect(await install(new Date(laid - 60_000))).toMatchObject({ added: [], unchanged: 4 });
  expect(await Bun.file(tree("pad", "index.ts")).text()).toBe("");
  expect(problems).toEqual([]);
});

test("in a later one files without their size are laid again, from the store, and that is told", async () => {
  const before = await world.snapshot("app");
  await empty("pad", "index.ts");
  await rm(tree("left", "deep"), { recursive: true });
  world.registry.mend();
  const booted = await afterLaying();
  const plan = await install(booted, { dryRun: true });
  const done = await install(booted);
  expect(done).toEqual(plan);
  expect(done.added.map(({ name }) => String(name)).toSorted()).toEqual(["left", "pad"]);
  expect(await world.snapshot("app")).toEqual(before);
  expect(world.registry.requests).toEqual([]);
  const told =
    "Since this machine was started anew, these packages are not as they were laid, and are laid again: left, pad";
  expect(problems).toEqual([told, told]);
});

test("a whole tree is looked at once: then its marker is as new as that", async () => {
  const before = await world.snapshot("app");
  const booted = await afterLaying();
  // Clocks of file systems tick coarsely.
  do await Bun.write(world.at("tick"), "");
  while ((await stat(world.at("tick"))).ctimeMs <= booted.getTime());
  expect(await install(booted)).toMatchObject({ unchanged: 4 });
  expect(await world.snapshot("app")).toEqual(before);
  await empty("pad", "index.ts");
  expect(await install(booted)).toMatchObject({ unchanged: 4 });
  expect(problems).toEqual([]);
});

test("an empty command is written again", async () => {
  const before = await world.snapshot("app");
  await empty(".bin", "tool");
  expect((await install(await afterLaying())).added).toMatchObject([{ name: "tool" }]);
  expect(await world.snapshot("app")).toEqual(before);
});
