import { expect, test } from "bun:test";
import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";

import {
  keepCachedIndex,
  pruneIndexCache,
  readCachedIndex,
  writeCachedIndex,
} from "#install/index-cache.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";

import { temporaryFolder } from "../support/land.ts";
import { installWorld } from "./world.ts";

const registry = parseRegistryUrl("https://a.example.com");

test("an index that was cut, or is of an older form, is asked for anew", async () => {
  await using world = await installWorld();
  await world.registry.add({ name: "left", version: "1.0.0" });
  await world.project("app", { left: "^1.0.0" });
  await world.install("app");
  const folder = world.at("home", "cache", "index", encodeURIComponent(world.registry.url));
  expect(await readdir(folder)).toEqual(["left"]);
  const whole = await Bun.file(join(folder, "left")).text();
  const older = whole.replace(/,"bytes":\d+/, "");
  for (const text of [whole.slice(0, -20), older, "", "{", `${whole}x`]) {
    await Bun.write(join(folder, "left"), text);
    const place = { landHome: world.at("home"), registry: world.registry.url, name: "left" };
    expect(readCachedIndex(place, "x")).toBeUndefined();
    await world.project("app", { left: "1.0.0" });
    await world.install("app");
    await world.project("app", { left: "^1.0.0" });
    await world.install("app");
    expect(await Bun.file(join(folder, "left")).text()).toBe(whole);
  }
});

test("pruning takes what was of no use for long, then the oldest until it fits", async () => {
  await using root = await temporaryFolder("index-cache");
  const now = new Date("2026-06-01T00:00:00Z");
  const daysAgo = (days: number): Date => new Date(now.getTime() - days * 86_400_000);
  const pathOf = (name: string): string =>
    join(root.path, "cache/index", encodeURIComponent(registry), name);
  for (const [name, days] of [
    ["a", 100],
    ["b", 50],
    ["c", 20],
    ["d", 1],
  ] as const) {
    writeCachedIndex({ landHome: root.path, registry, name }, '"e"', "x".repeat(1000));
    await utimes(pathOf(name), daysAgo(days), daysAgo(days));
  }
  keepCachedIndex({ landHome: root.path, registry, name: "b" }, daysAgo(10));
  const limits = { maxBytes: 2500, maxAgeDays: 90, now };
  const pruned = await pruneIndexCache(root.path, limits);
  expect(pruned.files).toBe(2);
  expect(await readdir(join(pathOf("a"), ".."))).toEqual(["b", "d"]);
  expect(await pruneIndexCache(root.path, limits)).toEqual({ files: 0, bytes: 0 });
  expect(await pruneIndexCache(join(root.path, "nowhere"), limits)).toMatchObject({ files: 0 });
});
