import { ptr, read } from "bun:ffi";
import { readFileSync } from "node:fs";

import { openCLibrary } from "#base/c-library.ts";

/** Longest file that is read so. */
export const MAX_CACHED_BYTES = 16 * 1024;

/** Bytes of a file of that size, at most `MAX_CACHED_BYTES`. Undefined: the disk would be waited for, or it is not there in this size. */
export type ReadCached = (path: string, sizeBytes: number) => Uint8Array<ArrayBuffer> | undefined;

const NUMBERS: Partial<Record<string, { openat2: number; preadv2: number }>> = {
  x64: { openat2: 437, preadv2: 327 },
  arm64: { openat2: 437, preadv2: 286 },
};
const AT_FDCWD = -100;
const O_CLOEXEC = 0o2000000;
/** Only along names that are in memory (openat2(2), Linux 5.12). */
const RESOLVE_CACHED = 0x20;
/** Only bytes that are in memory (preadv2(2), Linux 4.14). */
const RWF_NOWAIT = 8;
/** EPERM, EINVAL, ENOSYS and EOPNOTSUPP: what a kernel or a file system says, or who filters calls, that does not know them. */
const UNABLE = new Set([1, 22, 38, 95]);
const MAX_PATH_BYTES = 4096;

/**
 * Makes a reader that never waits for the disk: thousands of files a second are read by the thread that answers everybody, and one
 * that is not in the system's memory would hold up all others. Where the system cannot tell, it reads as usual.
 */
export function createCachedReader(readUsual: ReadCached = readAnyhow): ReadCached {
  const numbers = process.platform === "linux" ? NUMBERS[process.arch] : undefined;
  return numbers ? fallingBack(readerOn(numbers), readUsual) : readUsual;
}

/** `no`: it would wait, or is not there in this size; `unable`: the system says that it cannot tell. */
type Read = (path: string, sizeBytes: number) => Uint8Array<ArrayBuffer> | "no" | "unable";

/** So many answers of a system that it cannot tell, and none that it can: it is not asked again. */
const UNABLE_TIMES = 8;

/** Reads as usual where the system cannot tell. What it says is a hint: the runtime may have called it meanwhile, and failed. */
export function fallingBack(readNow: Read, readUsual: ReadCached): ReadCached {
  let isAble: boolean | undefined;
  let unable = 0;
  return (path, sizeBytes) => {
    if (isAble === false) return readUsual(path, sizeBytes);
    const found = readNow(path, sizeBytes);
    if (found === "no" || (found === "unable" && isAble)) return undefined;
    if (found !== "unable") {
      isAble = true;
      return found;
    }
    unable += 1;
    if (unable === UNABLE_TIMES) isAble = false;
    return readUsual(path, sizeBytes);
  };
}

function readerOn(numbers: { openat2: number; preadv2: number }): Read {
  // What is passed as an array is found for each call: the runtime moves what is in short ones. What is in `bytes` stays where it is.
  const { syscall: open } = openCLibrary({
    syscall: { args: ["i64", "i64", "ptr", "ptr", "i64"], returns: "i32" },
  });
  const { syscall, close, __errno_location } = openCLibrary({
    syscall: { args: ["i64", "i64", "ptr", "i64", "i64", "i64", "i64"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  });
  const name = Buffer.alloc(MAX_PATH_BYTES);
  const how = new BigUint64Array([BigInt(O_CLOEXEC), 0n, BigInt(RESOLVE_CACHED)]);
  // One byte more than a file may have, so that a longer one is seen.
  const bytes = Buffer.alloc(MAX_CACHED_BYTES + 1);
  const vector = new BigUint64Array([BigInt(ptr(bytes)), BigInt(bytes.length)]);
  const failed = (): "no" | "unable" => {
    const at = __errno_location();
    const code = at === null ? 0 : read.i32(at);
    return UNABLE.has(code) ? "unable" : "no";
  };
  return (path, sizeBytes) => {
    const end = name.write(path, 0, MAX_PATH_BYTES - 1);
    name[end] = 0;
    const file = open(numbers.openat2, AT_FDCWD, name, how, how.byteLength);
    if (file < 0) return failed();
    try {
      const found = syscall(numbers.preadv2, file, vector, 1, 0, 0, RWF_NOWAIT);
      if (found < 0) return failed();
      return found === sizeBytes ? new Uint8Array(bytes.subarray(0, found)) : "no";
    } finally {
      close(file);
    }
  };
}

function readAnyhow(path: string, sizeBytes: number): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = readFileSync(path);
    return bytes.length === sizeBytes ? bytes : undefined;
  } catch {
    // Who waits for it is told why.
    return undefined;
  }
}
