import { expect, test } from "bun:test";

import { inParallel } from "#install/parallel.ts";
import { createRemote } from "#remote/client.ts";
import { parseRegistryUrl } from "#remote/registry-url.ts";

import { type Line, openLine } from "../support/line.ts";
import { type InstallWorld, installWorld } from "./world.ts";

/** Numbers that look random and are the same in each run: the cuts of a line. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

async function stock(world: InstallWorld, count: number, bytes: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, n) => `package-${n}`);
  const random = dice(7);
  for (const name of names) {
    const text = Array.from({ length: bytes }, () => String.fromCharCode(32 + random() * 90));
    await world.registry.add({ name, version: "1.0.0", files: { "index.ts": text.join("") } });
  }
  return names;
}

/** Installs over the line, without waiting between tries. */
async function installOver(world: InstallWorld, line: Line, names: readonly string[]) {
  const ranges = Object.fromEntries(names.map((name) => [name, "^1.0.0"]));
  await world.project("app", ranges);
  const registry = parseRegistryUrl(line.url);
  const remote = createRemote({ registry, sleep: async () => undefined });
  return world.install("app", { registry, remoteFor: () => remote });
}

test("with 30 % of the connections cut at any byte, all is installed", async () => {
  await using world = await installWorld();
  const names = await stock(world, 60, 3000);
  const random = dice(42);
  const cutAfter = () => (random() < 0.3 ? Math.floor(random() * 4000) : 12_000);
  await using line = await openLine(world.registry.url, { cutAfter });
  const result = await installOver(world, line, names);
  expect(result.added).toHaveLength(60);
  expect(line.seen.cuts).toBeGreaterThan(10);
  expect(await world.read("app", "land_modules/package-59/index.ts")).toHaveLength(3000);
}, 60_000);

test("at 1 KB/s an install ends, however long it takes", async () => {
  await using world = await installWorld();
  const names = await stock(world, 1, 1500);
  await using line = await openLine(world.registry.url, { bytesPerSecond: 1000 });
  expect((await installOver(world, line, names)).added).toHaveLength(1);
}, 60_000);

test("a registry that does not answer holds up only what is asked of it", async () => {
  const done: string[] = [];
  let free = (): void => undefined;
  const held = new Promise<void>((resolve) => (free = resolve));
  const items = [
    ...Array.from({ length: 20 }, (_, n) => ({ from: "slow", n })),
    ...Array.from({ length: 20 }, (_, n) => ({ from: "fast", n })),
  ];
  const all = inParallel(
    items,
    8,
    async ({ from, n }) => {
      if (from === "slow") await held;
      done.push(`${from} ${n}`);
      // The last one that is fast: by now each of them had a lane.
      if (done.length === 20) free();
      return n;
    },
    { groupOf: ({ from }) => from },
  );
  expect(await all).toEqual(items.map(({ n }) => n));
  expect(done.slice(0, 20).every((text) => text.startsWith("fast"))).toBe(true);
});

test("small work takes a part of a lane, large work a whole one, and none more than there are", async () => {
  const most = { lanes: 0, items: 0 };
  let lanes = 0;
  let running = 0;
  const weights = Array.from({ length: 100 }, (_, n) => (n % 10 === 0 ? 1 : 0.25));
  await inParallel(
    weights,
    2,
    async (weight) => {
      lanes += weight;
      running += 1;
      most.lanes = Math.max(most.lanes, lanes);
      most.items = Math.max(most.items, running);
      await Promise.resolve();
      lanes -= weight;
      running -= 1;
    },
    { weightOf: (weight) => weight },
  );
  expect(most.lanes).toBe(2);
  expect(most.items).toBeGreaterThan(4);
  expect(await inParallel([9], 2, async (n) => n, { weightOf: () => 9 })).toEqual([9]);
  expect(await inParallel([], 2, async (n) => n)).toEqual([]);
});

test("after a failure nothing new is begun, and what runs is waited for", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const all = inParallel([0, 1, 2, 3, 4, 5], 2, async (n) => {
    begun.push(n);
    await Promise.resolve();
    if (n === 0) throw new Error("no");
    ended.push(n);
  });
  expect(all).rejects.toThrow("no");
  await all.catch(() => undefined);
  expect(begun.length).toBeLessThan(5);
  expect(ended).toEqual(begun.filter((n) => n !== 0));
});
