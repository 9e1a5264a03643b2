import { Database } from "bun:sqlite";

import { openCLibrary } from "#base/c-library.ts";

/** The system's own file locks. */
export type FileLocker = {
  /** Tries once, without waiting. */
  tryLock: (descriptor: number, path: string, mode: "shared" | "exclusive") => boolean;
  unlock: (descriptor: number, path: string) => void;
};

let cached: FileLocker | undefined;

/** `flock` where the C library has it, else SQLite's locks on a file beside (Windows). */
export function fileLocker(): FileLocker {
  cached ??= process.platform === "win32" ? sqliteLocker() : flockLocker();
  return cached;
}

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

function flockLocker(): FileLocker {
  const { flock } = openCLibrary({ flock: { args: ["i32", "i32"], returns: "i32" } });
  return {
    tryLock: (descriptor, _path, mode) =>
      flock(descriptor, (mode === "shared" ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0,
    unlock: (descriptor) => void flock(descriptor, LOCK_UN),
  };
}

function sqliteLocker(): FileLocker {
  const held = new Map<number, Database>();
  return {
    tryLock(descriptor, path, mode) {
      const database = new Database(`${path}.sqlite`, { create: true });
      try {
        database.run("PRAGMA busy_timeout = 0");
        database.run(mode === "exclusive" ? "BEGIN EXCLUSIVE" : "BEGIN");
        // A deferred transaction is shared from its first read on.
        database.query("SELECT count(*) FROM sqlite_schema").get();
        held.set(descriptor, database);
        return true;
      } catch {
        database.close();
        return false;
      }
    },
    unlock(descriptor) {
      held.get(descriptor)?.close();
      held.delete(descriptor);
    },
  };
}
