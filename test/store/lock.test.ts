import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type LockOptions, takeLock } from "#store/lock.ts";
import { isWithoutLocks } from "#store/locker.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "land-lock-"));
  path = join(folder, "x.lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options = (mode: LockOptions["mode"], timeoutMs = 0): LockOptions => ({
  mode,
  what: "the thing",
  command: "land test",
  timeoutMs,
  now: () => new Date(),
});

test("one exclusive holder, named to the second", async () => {
  const lock = await takeLock(path, options("exclusive"));
  await expect(takeLock(path, options("exclusive"))).rejects.toMatchObject({
    code: "lock_busy",
    exitCode: 14,
    message: expect.stringMatching(
      new RegExp(`^Cannot use the thing: it is held by pid ${process.pid} \\(land test, since `),
    ),
  });
  lock.release();
  (await takeLock(path, options("exclusive"))).release();
});

test.each([
  ["nothing", "", "another land process"],
  ["no JSON", "{", "another land process"],
  ["another shape", "null", "another land process"],
  ["a process that is gone", '{"pid":"x"}', "another land process"],
  [
    "control characters",
    `{"pid":${process.pid},"command":"\\u001b[2J"}`,
    `pid ${process.pid} (\uFFFD[2J, since undefined)`,
  ],
])("a lock file that holds %s names its holder safely", async (_what, text, holder) => {
  const lock = await takeLock(path, options("exclusive"));
  await Bun.write(path, text);
  await expect(takeLock(path, options("exclusive"))).rejects.toMatchObject({ data: { holder } });
  lock.release();
});

test("many share, and none beside an exclusive one", async () => {
  const one = await takeLock(path, options("shared"));
  const two = await takeLock(path, options("shared"));
  await expect(takeLock(path, options("exclusive"))).rejects.toMatchObject({ code: "lock_busy" });
  one.release();
  two.release();
  const alone = await takeLock(path, options("exclusive"));
  await expect(takeLock(path, options("shared"))).rejects.toMatchObject({ code: "lock_busy" });
  alone.release();
});

test("who waits gets it when it is free, and was told who had it", async () => {
  const lock = await takeLock(path, options("exclusive"));
  const { promise: told, resolve } = Promise.withResolvers<string>();
  const waiting = takeLock(path, { ...options("exclusive", 60_000), onWait: resolve });
  expect(await told).toContain(`pid ${process.pid}`);
  lock.release();
  (await waiting).release();
});

test("a killed process holds nothing", async () => {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../support/holds-lock.ts"), path],
    { stdout: "pipe", stderr: "inherit" },
  );
  await child.stdout.getReader().read();
  await expect(takeLock(path, options("exclusive"))).rejects.toMatchObject({
    message: expect.stringContaining(`pid ${child.pid}`),
  });
  child.kill("SIGKILL");
  await child.exited;
  (await takeLock(path, options("exclusive"))).release();
});

test("a file system without locks is told from a lock that another has", () => {
  expect([11, 4, 0].map((errno) => isWithoutLocks(errno, "linux"))).toEqual([false, false, false]);
  expect([37, 38, 95].map((errno) => isWithoutLocks(errno, "linux"))).toEqual([true, true, true]);
  expect([35, 37].map((errno) => isWithoutLocks(errno, "darwin"))).toEqual([false, false]);
  expect([77, 45].map((errno) => isWithoutLocks(errno, "darwin"))).toEqual([true, true]);
});
