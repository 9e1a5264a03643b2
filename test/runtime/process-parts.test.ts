import { expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { array, assert, nat, property, record, string } from "fast-check";

import { createBackoff } from "#runtime/process/backoff.ts";
import { createCpuBudget } from "#runtime/process/budget.ts";
import { measureFolder, removeFolder } from "#runtime/process/disk.ts";
import { createLane } from "#runtime/process/lane.ts";
import { createLogGate } from "#runtime/process/log-gate.ts";
import { openProc, parseStat, parseStatus } from "#runtime/process/proc.ts";

test("a site's processor time counts for a minute, and it goes on when a fifth is free again", () => {
  const budget = createCpuBudget(10_000);
  for (let second = 0; second < 10; second += 1) budget.add(second * 1000, 999);
  expect(budget.waitSeconds(9000)).toBe(0);
  budget.add(9500, 20);
  expect(budget.usedMs(9500)).toBe(10_010);
  // The parts of seconds 0, 1 and 2 must be more than a minute old.
  expect(budget.waitSeconds(9500)).toBe(53);
  expect(budget.waitSeconds(61_999)).toBe(1);
  expect(budget.waitSeconds(62_000)).toBe(0);
  expect(budget.usedMs(200_000)).toBe(0);
});

test("property: the budget never forgets too early nor too late", () => {
  const uses = array(record({ gapMs: nat(30_000), cpuMs: nat(500) }), {
    maxLength: 60,
  });
  assert(
    property(uses, (parts) => {
      const budget = createCpuBudget(1_000_000);
      const seen: { second: number; cpuMs: number }[] = [];
      let at = 0;
      for (const { gapMs, cpuMs } of parts) {
        at += gapMs;
        budget.add(at, cpuMs);
        seen.push({ second: Math.floor(at / 1000), cpuMs });
        const from = Math.floor(at / 1000) - 60;
        const sum = seen.reduce((all, use) => (use.second > from ? all + use.cpuMs : all), 0);
        expect(budget.usedMs(at)).toBeCloseTo(sum);
      }
    }),
  );
});

test("back-off doubles up to a minute, never less than half of it, and forgets on success", () => {
  const longest = createBackoff(() => new Uint8Array([255]));
  const shortest = createBackoff(() => new Uint8Array([0]));
  const waits = Array.from({ length: 8 }, () => longest.failed(0));
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  expect(Array.from({ length: 8 }, () => shortest.failed(0))).toEqual([1, 1, 2, 4, 8, 16, 30, 30]);
  expect(longest.waitSeconds(59_001)).toBe(1);
  expect(longest.waitSeconds(60_000)).toBe(0);
  longest.reset();
  expect(longest.failed(0)).toBe(1);
});

test("a log lets so many lines of each second through and tells how many it did not", () => {
  const gate = createLogGate(3);
  expect([0, 1, 2, 3, 4].map((at) => gate.admit(at))).toEqual([true, true, true, false, false]);
  expect(gate.takeDropped(999)).toBe(0);
  expect(gate.takeDropped(1000)).toBe(2);
  expect(gate.takeDropped(1000)).toBe(0);
  expect(gate.admit(1001)).toBe(true);
});

test("a lane lets in in order; who leaves the line makes nobody wait longer", async () => {
  let refused = 0;
  const lane = createLane(1, 2, () => void (refused += 1));
  const order: string[] = [];
  const enter = (name: string, signal?: AbortSignal): Promise<unknown> =>
    lane.enter(signal, 10_000).then(
      () => order.push(name),
      (error: { code: string }) => order.push(`${name} ${error.code}`),
    );
  await enter("a");
  const leaves = new AbortController();
  const b = enter("b", leaves.signal);
  const c = enter("c");
  await enter("d");
  leaves.abort();
  await b;
  lane.leave();
  await c;
  expect(order).toEqual(["a", "d busy", "b cancelled", "c"]);
  expect(lane.active()).toBe(1);
  lane.leave();
  expect([lane.active(), lane.waiting(), refused]).toEqual([0, 0, 1]);
});

test("who waits too long in a lane is refused", async () => {
  const lane = createLane(1, 1, () => {});
  await lane.enter(undefined, 1);
  expect(lane.enter(undefined, 1)).rejects.toMatchObject({ code: "busy" });
});

test("what the kernel tells is read whatever the process calls itself", () => {
  const rest = "R 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 7 0 99 1000 20";
  expect(parseStat(`42 (bun) ${rest}`)).toEqual({ cpuMs: 2000, threads: 7 });
  assert(
    property(string(), (name) => {
      expect(parseStat(`42 (${name}) ${rest}`)).toEqual({ cpuMs: 2000, threads: 7 });
    }),
  );
  expect(parseStat("")).toBeUndefined();
  const status =
    "Name:\tRssAnon:\nRssAnon:\t    100 kB\nRssFile:\t 900 kB\nRssShmem:\t 20 kB\nVmSwap:\t 3 kB\n";
  expect(parseStatus(status)).toBe(123 * 1024);
  expect(parseStatus("Name:\tzombie\n")).toBeUndefined();
});

test.skipIf(process.platform !== "linux")("a process that ended is known as ended", async () => {
  const child = Bun.spawn(["sleep", "60"]);
  const reader = openProc(child.pid);
  expect(reader.cpu()?.threads).toBe(1);
  expect(reader.memoryBytes()).toBeGreaterThan(0);
  child.kill("SIGKILL");
  await child.exited;
  expect(reader.cpu()).toBeUndefined();
  reader.close();
  expect(reader.memoryBytes()).toBeUndefined();
});

test("a folder that a program nested and closed is measured as full, and removed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "land-disk-"));
  const site = join(folder, "site");
  await mkdir(join(site, "closed", "inner"), { recursive: true });
  await writeFile(join(site, "closed", "inner", "data"), "");
  const deep = join(site, ...Array.from({ length: 300 }, () => "d"));
  await mkdir(deep, { recursive: true });
  await writeFile(join(deep, "data"), "");
  await symlink(folder, join(deep, "link"));
  await writeFile(join(folder, "stays"), "");
  await chmod(join(site, "closed"), 0o300);
  let next = 0;
  await removeFolder(site, () => `lifted-${(next += 1)}`);
  expect(await readdir(folder)).toEqual(["stays"]);
  await removeFolder(site, () => "never");
  await rm(folder, { recursive: true });
});

test("a folder is measured without following links, and no longer than it takes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "land-disk-"));
  try {
    expect(await measureFolder(join(folder, "none"))).toBe(0);
    await mkdir(join(folder, "a", "b"), { recursive: true });
    await writeFile(join(folder, "a", "b", "data"), new Uint8Array(100_000));
    await symlink("/", join(folder, "root"));
    const bytes = await measureFolder(folder);
    expect(bytes).toBeGreaterThanOrEqual(100_000);
    expect(bytes).toBeLessThan(300_000);
    for (let n = 0; n < 100; n += 1) await writeFile(join(folder, String(n)), "");
    expect(await measureFolder(folder, 20_000)).toBeLessThan(300_000);
    const deep = join(folder, ...Array.from({ length: 40 }, () => "d"));
    await mkdir(deep, { recursive: true });
    expect(await measureFolder(folder)).toBe(Number.POSITIVE_INFINITY);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
