import { afterAll, beforeAll, expect, test } from "bun:test";

import { parseVersion } from "#base/names.ts";
import type { InstallMode } from "#install/options.ts";
import { findOutdated, jumpOf } from "#install/outdated.ts";
import { explainAbsence } from "#install/why-not.ts";
import { writeFiles } from "#test/support/project.ts";

import { type InstallWorld, installWorld } from "./world.ts";

/** What could be newer, what stands in the way, and what an update would do. */
let world: InstallWorld;
const versions: [string, string, Record<string, string>][] = [
  ["pad", "1.0.0", {}],
  ["pad", "1.1.0", {}],
  ["pad", "2.0.0", {}],
  ["left", "1.0.0", { pad: "^1.0.0" }],
  ["left", "1.2.0", { pad: "^1.0.0" }],
  ["left", "2.0.0", { pad: "^2.0.0" }],
  ["right", "0.1.0", { pad: "1.x" }],
  ["right", "0.1.1-beta.1", { pad: "1.x" }],
];
beforeAll(async () => {
  world = await installWorld();
  for (const [name, version, dependencies] of versions)
    await world.registry.add({ name, version, dependencies });
  await world.project("app", { left: "1.0.0", right: "^0.1.0", pad: "1.0.0" });
  await world.install("app");
  await world.project("app", { left: "^1.0.0", right: "^0.1.0" });
  await world.install("app");
});
afterAll(() => world[Symbol.asyncDispose]());

const outdated = (all: boolean, more = {}) =>
  findOutdated(world.options("app", more), { all, filter: [] });

test("current, wanted and latest, and who asks", async () => {
  const { packages, checked } = await outdated(false);
  expect(checked).toBe(2);
  expect(packages as unknown).toEqual([
    {
      name: "left",
      current: "1.0.0",
      wanted: "1.2.0",
      latest: "2.0.0",
      jump: "major",
      indirect: false,
      askers: [{ folder: ".", name: "app", range: "^1.0.0", kind: "dependencies" }],
      yanked: false,
    },
  ]);
});

test("with all, what only packages ask for too, within what they all allow", async () => {
  const { packages } = await outdated(true);
  expect(packages[1] as unknown).toMatchObject({
    name: "pad",
    current: "1.0.0",
    wanted: "1.1.0",
    latest: "2.0.0",
    indirect: true,
    askers: [{ name: "left", range: "^1.0.0" }, { name: "right" }],
  });
});

test("wanted is what an update takes, where ranges alone would let in more", async () => {
  const other = await installWorld();
  await using _ = other;
  const list: typeof versions = [
    ["pad", "1.0.0", {}],
    ["left", "1.0.0", {}],
    ["left", "1.1.0", { pad: "^2.0.0" }],
    ["right", "1.0.0", { pad: "^1.0.0" }],
  ];
  for (const [name, version, dependencies] of list)
    await other.registry.add({ name, version, dependencies });
  await other.project("app", { left: "^1.0.0", right: "^1.0.0" });
  await other.install("app");
  await other.registry.add({ name: "pad", version: "2.0.0" });
  const problems: string[] = [];
  const find = () =>
    findOutdated(
      other.options("app", { onEvent: (event) => void problems.push(JSON.stringify(event)) }),
      { all: false, filter: [] },
    );
  const held = { name: "left", current: "1.0.0", latest: "1.1.0" };
  expect((await find()).packages as unknown).toMatchObject([{ ...held, wanted: "1.0.0" }]);
  expect(problems.filter((text) => text.includes("warn"))).toEqual([]);
  // Without an answer the ranges have to do, and that is told.
  await other.project("app", { left: "^1.0.0", right: "^1.0.0", absent: "1" });
  expect((await find()).packages as unknown).toMatchObject([{ ...held, wanted: "1.1.0" }]);
  expect(problems.filter((text) => text.includes("warn"))).toHaveLength(1);
});

test("indexes that are known are asked for by ETag, or not at all", async () => {
  await outdated(true);
  world.registry.mend();
  await outdated(true, { offline: true });
  expect(world.registry.requests).toEqual([]);
});

test("a version that was yanked or deprecated is told, and one that was yanked is not wanted", async () => {
  const other = await installWorld();
  await using _ = other;
  await other.registry.add({ name: "old", version: "1.0.0" });
  await other.registry.add({ name: "gone", version: "1.0.0" });
  await other.project("app", { old: "1", gone: "1" });
  await other.install("app");
  await other.registry.add({ name: "old", version: "1.0.0", told: { deprecated: "Use new" } });
  await other.registry.add({ name: "gone", version: "1.0.0", yanked: true });
  await other.registry.add({ name: "gone", version: "1.1.0", yanked: true });
  const { packages } = await findOutdated(other.options("app"), { all: false, filter: [] });
  expect(packages as unknown).toMatchObject([
    { name: "gone", current: "1.0.0", wanted: "1.0.0", latest: "1.0.0", yanked: true },
    { name: "old", deprecated: "Use new", yanked: false },
  ]);
  expect(packages[0]).not.toHaveProperty("jump");
});

test.each([
  ["1.0.0", "2.0.0", "major"],
  ["1.0.0", "1.1.0", "minor"],
  ["1.0.0", "1.0.1", "patch"],
  ["1.0.0-beta.1", "1.0.0", "prerelease"],
  ["1.0.0", "1.0.0", undefined],
])("from %s to %s is %s", (from, to, jump) => {
  expect(jumpOf(parseVersion(from), parseVersion(to))).toBe(jump as never);
});

const absence = (wanted?: string, name = "left") =>
  explainAbsence(world.options("app"), { name, wanted });

test("what could be had at once comes with the command that gives it", async () => {
  expect(await absence("1.2.0")).toMatchObject({
    possible: true,
    changes: [{ name: "left", from: "1.0.0", to: "1.2.0" }],
    command: "land update left",
  });
  expect(await absence("1.0.0")).toMatchObject({ possible: true, changes: [] });
});

test("what the project itself stands in the way of", async () => {
  await world.project("own", { left: "^1.0.0" });
  await world.install("own");
  const answer = await explainAbsence(world.options("own"), { name: "left", wanted: undefined });
  expect(answer).toMatchObject({
    possible: true,
    range: "2.0.0",
    needs: ["left ^1.0.0 (dependencies)"],
    command: "land add left@2.0.0",
  });
});

test("what cannot be had is explained", async () => {
  const answer = await absence("^2.0.0");
  expect(answer).toMatchObject({ possible: false });
  expect(answer.possible ? "" : answer.failure.explanation).toContain("right");
  await expect(absence("*", "nothing")).rejects.toMatchObject({ code: "package_not_found" });
});

test("what members of a workspace stand in the way of, and the command where one of them asks", async () => {
  await world.project("work", {}, { workspaces: ["packages/*"] });
  const member = (name: string): string =>
    JSON.stringify({ name, version: "1.0.0", dependencies: { left: "^1.0.0" } });
  await writeFiles(world.at("work"), { "packages/one/land.json": member("one") });
  await world.install("work");
  const ask = () => explainAbsence(world.options("work"), { name: "left", wanted: "^2.0.0" });
  expect(await ask()).toMatchObject({
    possible: true,
    needs: ["left ^1.0.0 (dependencies of packages/one)"],
    changes: [
      { name: "left", from: "1.2.0", to: "2.0.0" },
      { name: "pad", from: "1.1.0", to: "2.0.0" },
    ],
    command: "land add left@^2.0.0 --workspace packages/one",
  });
  await writeFiles(world.at("work"), { "packages/two/land.json": member("two") });
  const both = await ask();
  expect(both).toMatchObject({ possible: true, needs: [{}, {}].map(() => expect.any(String)) });
  expect(both).not.toHaveProperty("command");
  const never = { name: "left", wanted: "^3.0.0" };
  expect(await explainAbsence(world.options("work"), never)).toMatchObject({ possible: false });
});

const update = (latest: boolean | string[], names: string[] = []): InstallMode => ({
  kind: "update",
  names,
  latest,
});

test("a dry run tells what the run would, and writes nothing", async () => {
  await world.project("dry", { left: "1.0.0", pad: "1.0.0" });
  await world.install("dry");
  await world.project("dry", { left: "^1.0.0", pad: "^1.0.0" });
  await world.install("dry");
  const before = await world.snapshot("dry");
  const mode = update(["left", "pad"]);
  const plan = await world.install("dry", { mode, dryRun: true });
  expect(await world.snapshot("dry")).toEqual(before);
  expect(plan as unknown).toEqual({
    added: [],
    removed: [],
    changed: [
      { name: "left", version: "2.0.0", from: "1.0.0" },
      { name: "pad", version: "2.0.0", from: "1.0.0" },
    ],
    unchanged: 0,
    manifest: [
      { folder: ".", kind: "dependencies", name: "left", from: "^1.0.0", to: "^2.0.0" },
      { folder: ".", kind: "dependencies", name: "pad", from: "^1.0.0", to: "^2.0.0" },
    ],
  });
  expect(await world.install("dry", { mode })).toEqual(plan);
});

test("only those of the list go past the manifest", async () => {
  await world.project("some", { right: "0.1.0", left: "1.0.0" });
  await world.install("some");
  await world.project("some", { right: "0.1.0", left: "^1.0.0" });
  await world.install("some");
  const done = await world.install("some", { mode: update(["right"], ["left", "right"]) });
  expect(done as unknown).toMatchObject({ changed: [{ name: "left", version: "1.2.0" }] });
  expect(JSON.parse(await world.read("some", "land.json")).dependencies.left).toBe("^1.0.0");
});

test("a deprecated version is told as it is picked, once", async () => {
  const told = { deprecated: "Use pad\u001B[31m" };
  await world.registry.add({ name: "worn", version: "1.0.0", told });
  await world.project("warned", { worn: "1" });
  const problems: string[] = [];
  const onEvent = (event: { kind: string; problem?: string }): void =>
    void (event.kind === "warn" && problems.push(event.problem ?? ""));
  await world.install("warned", { onEvent });
  await world.install("warned", { onEvent });
  expect(problems).toEqual(["worn 1.0.0 is deprecated: Use pad\uFFFD[31m"]);
});
