import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { errorCode, fileFailed } from "./files.ts";
import { type FileLocker, fileLocker } from "./locker.ts";

/** A lock that this process has. It ends with `release` or with the process, however that dies. */
export type Lock = { release: () => void };

/** Who has a lock, as the one who took it exclusively wrote it down. */
export type Holder = { pid: number; command: string; since: string };

/** How to take a lock. */
export type LockOptions = {
  /** shared: many may use; exclusive: one alone. */
  mode: "shared" | "exclusive";
  /** What the lock protects, for the message: `the data folder "/srv/land"`. */
  what: string;
  /** The command that takes it, told to those who wait. */
  command: string;
  /** How long to wait, in milliseconds; 0 gives up at once. */
  timeoutMs: number;
  now: () => Date;
  /** Called once when the lock is not free at once. */
  onWait?: (holder: string) => void;
};

const POLL_MS = 20;

/**
 * Takes an OS lock on the file at `path`, making the file if needed.
 *
 * @throws lock_busy naming the holder, file_failed
 * @see flock(2); never a file whose age decides, since a busy holder would be robbed
 */
export async function takeLock(path: string, options: LockOptions): Promise<Lock> {
  const { mode, what, timeoutMs, now, onWait } = options;
  const locker = fileLocker();
  const descriptor = openLockFile(path);
  const deadline = now().getTime() + timeoutMs;
  try {
    let waited = false;
    while (!locker.tryLock(descriptor, path, mode)) {
      const holder = describeHolder(path);
      if (now().getTime() >= deadline) throw fail("lock_busy", { what, holder });
      if (!waited) onWait?.(holder);
      waited = true;
      await Bun.sleep(POLL_MS);
    }
    if (mode === "exclusive") writeHolder(descriptor, options);
    return releaseOnce(locker, descriptor, path);
  } catch (error) {
    closeSync(descriptor);
    throw error instanceof LandError ? error : fileFailed("lock", path, error);
  }
}

function releaseOnce(locker: FileLocker, descriptor: number, path: string): Lock {
  let released = false;
  return {
    release() {
      if (released) return;
      released = true;
      locker.unlock(descriptor, path);
      closeSync(descriptor);
    },
  };
}

function openLockFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "a+", 0o666);
  } catch (cause) {
    throw fileFailed("open the lock", path, cause);
  }
}

function writeHolder(descriptor: number, { command, now }: LockOptions): void {
  const holder: Holder = { pid: process.pid, command, since: now().toISOString() };
  ftruncateSync(descriptor, 0);
  writeSync(descriptor, `${JSON.stringify(holder)}\n`);
}

function describeHolder(path: string): string {
  try {
    const { pid, command, since }: Record<keyof Holder, unknown> = JSON.parse(
      readFileSync(path, "utf8"),
    );
    if (typeof pid !== "number" || !isRunning(pid)) return "another land process";
    return printable(`pid ${pid} (${String(command)}, since ${String(since)})`);
  } catch {
    return "another land process";
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return errorCode(cause) === "EPERM";
  }
}
