import { read } from "bun:ffi";
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
  const readErrno = errnoReader();
  return {
    tryLock(descriptor, _path, mode) {
      if (flock(descriptor, (mode === "shared" ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0) return true;
      if (!isWithoutLocks(readErrno(), process.platform)) return false;
      throw Object.assign(new Error("flock is not supported"), { code: "ENOLCK" });
    },
    unlock: (descriptor) => void flock(descriptor, LOCK_UN),
  };
}

/** Whether the number with which `flock` failed means that the file system has no locks at all, rather than that another has it. */
export function isWithoutLocks(errno: number, platform: string): boolean {
  // ENOLCK, ENOSYS, EOPNOTSUPP, ENOTSUP, EINVAL
  return (platform === "darwin" ? [77, 78, 102, 45, 22] : [37, 38, 95, 22]).includes(errno);
}

/** The C library keeps the number of the last error for each thread, at an address that a function tells. */
function errnoReader(): () => number {
  const signature = { args: [], returns: "ptr" } as const;
  const open = () => {
    if (process.platform === "darwin") {
      const { __error: addressOf } = openCLibrary({ __error: signature });
      return addressOf;
    }
    const { __errno_location: addressOf } = openCLibrary({ __errno_location: signature });
    return addressOf;
  };
  const addressOf = open();
  return () => {
    const at = addressOf();
    return at === null ? 0 : read.i32(at);
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
