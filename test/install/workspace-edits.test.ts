import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";

import { mergeLocks } from "#install/lock-three-way.ts";
import { serializeLock } from "#install/lock-write.ts";
import { type Lock, parseLock } from "#install/lockfile.ts";
import type { InstallOptions } from "#install/options.ts";

import { PAIR, type WorkspaceWorld, workspaceWorld } from "./workspace-world.ts";

let world: WorkspaceWorld;
beforeEach(async () => {
  world = await workspaceWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

describe("add and remove", () => {
  const add = (name: string, range?: string): InstallOptions["mode"] => ({
    kind: "add",
    packages: [{ name, kind: "dependencies", exact: false, ...(range !== undefined && { range }) }],
  });
  const manifest = async (folder: string): Promise<unknown> =>
    (await Bun.file(world.at("ws", folder, "land.json")).json()).dependencies;

  test("edit the member that is named, else the one of the folder, else the root", async () => {
    await world.workspace(PAIR);
    const result = await world.install("ws/packages/b", { mode: add("left", "^1.0.0") });
    expect(result.manifest).toEqual([
      { folder: "packages/b", kind: "dependencies", name: "left", to: "^1.0.0" },
    ]);
    expect(await manifest("packages/b")).toEqual({ left: "^1.0.0" });
    await world.install("ws/packages/b", { mode: add("pad", "1"), workspace: "@w/a" });
    expect(await manifest("packages/a")).toMatchObject({ pad: "1" });
    await world.install("ws", { mode: add("pad"), workspace: "packages/b/" });
    expect(await manifest("packages/b")).toEqual({ left: "^1.0.0", pad: "^1.0.0" });
    await world.install("ws", { mode: add("pad", "1.x") });
    expect(await manifest(".")).toEqual({ pad: "1.x" });
    await world.install("ws/packages/b", { mode: { kind: "remove", names: ["left"] } });
    expect(await manifest("packages/b")).toEqual({ pad: "^1.0.0" });
    await world.install("ws", { frozen: true });
  });

  test("write a member as workspace:^, and refuse what is none", async () => {
    await world.workspace(PAIR);
    await world.install("ws", { mode: add("@w/b") });
    expect(await manifest(".")).toEqual({ "@w/b": "workspace:^" });
    await world.install("ws/packages/b", { mode: add("@w/a", "workspace:~") });
    expect(await manifest("packages/b")).toEqual({ "@w/a": "workspace:~" });
    const before = await world.snapshot("ws");
    expect(await world.refused({ mode: add("left", "workspace:*") })).toContain(
      '"left@workspace:*" is none of its members: @w/a, @w/b',
    );
    expect(await world.refused({ mode: add("left"), workspace: "@w/c" })).toContain(
      '"@w/c" is none of its members: @w/a, @w/b',
    );
    expect(await world.refused({ mode: add("left"), workspace: "@w/*" })).toContain(
      'Cannot tell which member "@w/*" is: it means @w/a, @w/b',
    );
    expect(await world.snapshot("ws")).toEqual(before);
  });

  test("update past the manifests rewrites them in the style they are in", async () => {
    for (const version of ["1.0.0", "2.1.0"]) await world.registry.add({ name: "one", version });
    for (const version of ["1.2.0", "3.0.0"]) await world.registry.add({ name: "two", version });
    await world.workspace({
      "packages/a": { name: "@w/a", dependencies: { one: "~1.0.0", two: "1.2.0" } },
      "packages/b": { name: "@w/b", dependencies: { one: "^1.0.0", two: ">=1" } },
    });
    await world.install("ws");
    await world.install("ws", { mode: { kind: "update", names: ["one"], latest: true } });
    expect(await manifest("packages/a")).toEqual({ one: "~2.1.0", two: "1.2.0" });
    expect(await manifest("packages/b")).toEqual({ one: "^2.1.0", two: ">=1" });
    await world.install("ws", { mode: { kind: "update", names: [], latest: true } });
    expect(await manifest("packages/a")).toEqual({ one: "~2.1.0", two: "3.0.0" });
    expect(await manifest("packages/b")).toEqual({ one: "^2.1.0", two: ">=1" });
  });
});

test("the lock alone is made, and the tree is left as it is", async () => {
  await world.workspace(PAIR);
  const result = await world.install("ws", { lockOnly: true });
  expect(result.added.map(({ name }) => String(name))).toEqual(["left", "pad"]);
  expect(existsSync(world.at("ws/land_modules"))).toBe(false);
  expect(await world.install("ws", { lockOnly: true })).toMatchObject({ added: [], unchanged: 2 });
  await world.install("ws", { frozen: true });
});

test("a lock merged of two branches that each add a package fits the merged manifest", async () => {
  const branches: Record<string, string> = { none: "", pad: "^1.0.0", "@ada/greet": "0.x" };
  const locks: Lock[] = [];
  for (const [name, range] of Object.entries(branches)) {
    await world.project("app", range === "" ? {} : { [name]: range });
    await rm(world.at("app", "land.lock"), { force: true });
    await world.install("app", { lockOnly: true });
    locks.push(parseLock(await world.read("app", "land.lock")));
  }
  const [base, ours, theirs] = locks;
  if (!ours || !theirs) throw new Error("no locks");
  await world.project("app", { pad: "^1.0.0", "@ada/greet": "0.x" });
  await Bun.write(world.at("app", "land.lock"), serializeLock(mergeLocks(base, ours, theirs)));
  expect((await world.install("app", { frozen: true })).added.length).toBe(3);
});

test("hooks are told before anything is written and after all is", async () => {
  await world.project("app", { left: "1" });
  const told: string[] = [];
  let refuse = "";
  const hooks: InstallOptions["hooks"] = {
    async emit(name, event) {
      const packages = "packages" in event ? event.packages : [];
      const there = existsSync(world.at("app/land_modules/left"));
      told.push(
        `${name} ${packages.map((item) => `${item.name}@${item.version}`).join()} ${there}`,
      );
      if (name === refuse) throw new Error("no");
    },
  };
  refuse = "preInstall";
  const before = await world.snapshot("app");
  await world.install("app", { hooks }).catch(() => undefined);
  expect(await world.snapshot("app")).toEqual(before);
  expect(existsSync(world.at("app/land_modules"))).toBe(false);
  refuse = "";
  await world.install("app", { hooks });
  await world.registry.add({ name: "left", version: "1.9.0" });
  await world.install("app", { hooks, mode: { kind: "update", names: [], latest: false } });
  await world.install("app", { hooks });
  expect(told).toEqual([
    "preInstall left@1.2.0,pad@1.0.0 false",
    "preInstall left@1.2.0,pad@1.0.0 false",
    "postInstall left@1.2.0,pad@1.0.0 true",
    "preInstall left@1.9.0 true",
    "preUninstall pad@1.0.0 true",
    "postInstall left@1.9.0 true",
    "postUninstall pad@1.0.0 true",
    "packageUpdate left@1.9.0 true",
  ]);
});
