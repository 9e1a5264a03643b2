import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { parseVersion } from "#base/names.ts";
import { rangeForNewest } from "#install/request-latest.ts";
import { writeFiles } from "#test/support/project.ts";

import { type InstallWorld, installWorld } from "./world.ts";

describe("what an update past the manifest writes for 2.1.0", () => {
  test.each([
    ["^1.0.0", "^2.1.0"],
    ["^2.0.0", "^2.1.0"],
    ["~1.0.0", "~2.1.0"],
    ["1.0.0", "2.1.0"],
    ["=1.0.0", "=2.1.0"],
    ["^1.0.0-beta.1", "^2.1.0"],
    ["1.x", "^2.1.0"],
    ["1", "^2.1.0"],
    [">=1 <2", "^2.1.0"],
    ["1.0.0 - 1.9.0", "^2.1.0"],
    // These let it in already.
    ["*", undefined],
    ["", undefined],
    ["2.x", undefined],
    [">=1", undefined],
    ["^1 || ^2", undefined],
    // These are about something newer, or nothing that a registry has.
    ["^2.1.0", undefined],
    ["^3.0.0-rc.1", undefined],
    ["2.1.0", undefined],
    ["workspace:^", undefined],
    ["npm:other@1", undefined],
  ])("%p → %p", (range, written) => {
    expect(rangeForNewest(range, parseVersion("2.1.0"))).toBe(written);
  });
});

/** An update past the manifest where not all can be at their newest version. */
describe("an update past the manifest", () => {
  let world: InstallWorld;
  beforeAll(async () => {
    world = await installWorld();
    const versions: [string, string, Record<string, string>][] = [
      ["base", "1.0.0", {}],
      ["base", "2.0.0", {}],
      ["free", "1.0.0", {}],
      ["free", "3.0.0", {}],
      // The newest that goes with `right` is 1.5.0.
      ["left", "1.0.0", { base: "^1.0.0" }],
      ["left", "1.5.0", { base: "^1.0.0" }],
      ["left", "2.0.0", { base: "^2.0.0" }],
      ["right", "1.0.0", { base: "^1.0.0" }],
      ["right", "2.0.0", { base: "^1.0.0" }],
      ["broken", "1.0.0", {}],
      ["broken", "2.0.0", { nowhere: "*" }],
    ];
    for (const [name, version, dependencies] of versions)
      await world.registry.add({ name, version, dependencies });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const update = (names: string[], latest: boolean | string[] = true) => ({
    mode: { kind: "update" as const, names, latest },
  });

  async function installed(name: string, wanted: Record<string, string>, more = {}) {
    await world.project(name, wanted, more);
    await world.install(name);
    return name;
  }

  async function rangesOf(name: string): Promise<Record<string, string>> {
    return JSON.parse(await world.read(name, "land.json")).dependencies;
  }

  test("brings each as far as it goes with the others, and tells what stayed and why", async () => {
    const app = await installed("app", { free: "^1.0.0", left: "~1.0.0", right: "^1.0.0" });
    const plan = await world.install(app, { ...update([]), dryRun: true });
    const done = await world.install(app, update([]));
    expect(done).toEqual(plan);
    expect(await rangesOf(app)).toEqual({ free: "^3.0.0", left: "~1.5.0", right: "^2.0.0" });
    expect(done.behind as unknown).toEqual([
      {
        name: "left",
        version: "1.5.0",
        latest: "2.0.0",
        reason: "left 2.0.0 depends on base ^2.0.0; every version of right depends on base ^1.0.0",
      },
    ]);
    const again = await world.install(app, update([]));
    expect(again).toMatchObject({ changed: [], behind: done.behind ?? [] });
    expect(again).not.toHaveProperty("manifest");
  });

  test("fails and explains where what was named cannot move at all", async () => {
    const app = await installed("named", { left: "1.5.0", right: "2.0.0", free: "1.0.0" });
    const before = await world.snapshot(app);
    const error = await world.refusal(app, update(["left"]));
    expect(error.code).toBe("no_solution");
    expect(await world.snapshot(app)).toEqual(before);
    // One of the two moves.
    const done = await world.install(app, update(["left", "free"]));
    expect(done).toMatchObject({
      changed: [{ name: "free", version: "3.0.0" }],
      behind: [{ name: "left" }],
    });
  });

  test("fails where the project cannot be solved as it is", async () => {
    const app = await installed("stuck", { left: "^1.0.0", right: "^1.0.0" });
    await world.project(app, { left: "^1.0.0", right: "^1.0.0", absent: "1" });
    expect((await world.refusal(app, update([]))).code).toBe("no_solution");
  });

  test("what needs something that is not there stays, and so do others for its sake never", async () => {
    const app = await installed("holes", { broken: "1", free: "1" });
    const done = await world.install(app, update([]));
    expect(await rangesOf(app)).toEqual({ broken: "1", free: "^3.0.0" });
    expect(done.behind).toMatchObject([
      { name: "broken", reason: "broken 2.0.0 depends on nowhere, which does not exist" },
    ]);
  });

  test("is about what optional requirements ask for as well, and leaves none out for it", async () => {
    const optionalDependencies = { left: "^1.0.0" };
    const app = await installed("maybe", { right: "^1.0.0" }, { optionalDependencies });
    const done = await world.install(app, update([]));
    expect(done.behind).toMatchObject([{ name: "left", version: "1.5.0" }]);
    expect(await world.read(app, "land.lock")).toContain("left");
  });

  test("goes through the members of a workspace", async () => {
    await world.project("work", { right: "1.0.0" }, { workspaces: ["packages/*"] });
    const member = (name: string, range: string): string =>
      JSON.stringify({ name, version: "1.0.0", dependencies: { left: range } });
    await writeFiles(world.at("work"), {
      "packages/one/land.json": member("one", "^1.0.0"),
      "packages/two/land.json": member("two", "~1.0.0"),
    });
    await world.install("work");
    const done = await world.install("work", update([]));
    expect(done.behind).toMatchObject([{ name: "left", version: "1.5.0" }]);
    expect(await rangesOf("work")).toEqual({ right: "2.0.0" });
    expect(await rangesOf("work/packages/one")).toEqual({ left: "^1.5.0" });
    expect(await rangesOf("work/packages/two")).toEqual({ left: "~1.5.0" });
  });
});
