import { FFIType, type Pointer, ptr } from "bun:ffi";
import { closeSync, constants, openSync } from "node:fs";

import { brief } from "#base/brief.ts";
import { openCLibrary } from "#base/c-library.ts";

/**
 * Work on many small files straight by the C library, by short paths below a folder that is open: half of what the same takes by
 * `node:fs`. Each call either did what it is asked for or did nothing: who is told so does it again by `node:fs`, which knows what to say.
 */
export type QuickFiles = {
  /** What a file is, links followed. What it answers is good until it is asked again. */
  look: (folder: number, path: string) => Look | undefined;
  /** Gives the file another name. */
  link: (folder: number, path: string, toFolder: number, toPath: string) => boolean;
  /** Makes a folder in one that is there. */
  makeFolder: (folder: number, path: string) => boolean;
  /** Makes a file where nothing stands, and opens it for writing. */
  create: (folder: number, path: string, mode: number) => number | undefined;
  /** How many of the bytes were written, from the first on. */
  write: (descriptor: number, bytes: Uint8Array) => number;
  close: (descriptor: number) => void;
  /** Gives it the other path, where whatever file stood there is gone then. */
  rename: (folder: number, path: string, toPath: string) => boolean;
};

/** A folder that is open for quick work. */
export type QuickFolder = {
  files: QuickFiles;
  descriptor: number;
  /** The path below the folder, from an absolute one of something in it. */
  inside: (path: string) => string;
  close: () => void;
};

/** Opens a folder; undefined where that does not go, or there is no quick work here. */
export function openQuickFolder(
  dir: string,
  files: QuickFiles | undefined,
): QuickFolder | undefined {
  if (!files) return undefined;
  try {
    const descriptor = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
    const skipped = dir.length + 1;
    return {
      files,
      descriptor,
      inside: (path) => path.slice(skipped),
      close: () => closeSync(descriptor),
    };
  } catch {
    return undefined;
  }
}

/** Size in bytes, and when it was written last, in milliseconds since 1970 and parts of them. */
export type Look = { sizeBytes: number; mtimeMs: number };

/** The longest path in bytes; a longer one is left to `node:fs`. */
const PATH_BYTES = 1023;

/** Undefined where the system is not Linux, or the C library cannot be called: then all is left to `node:fs`. */
export function openQuickFiles(): QuickFiles | undefined {
  const calls = openSystemCalls();
  if (calls) files ??= quickFiles(calls);
  return files;
}

/** Undefined where `openQuickFiles` is. */
export function openSystemCalls(): SystemCalls | undefined {
  if (opened) return opened.calls;
  opened = { calls: undefined };
  try {
    if (process.platform === "linux") opened.calls = openFunctions();
  } catch {
    // A system that lets no program make code of its own.
  }
  return opened.calls;
}

let files: QuickFiles | undefined;
let opened: { calls: SystemCalls | undefined } | undefined;

/** The calls of the system themselves. They take addresses, so nothing stands between a mistake and the memory. */
export type SystemCalls = ReturnType<typeof openFunctions>;

function openFunctions() {
  return openCLibrary({
    statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
    linkat: { args: ["i32", "ptr", "i32", "ptr", "i32"], returns: "i32" },
    mkdirat: { args: ["i32", "ptr", "u32"], returns: "i32" },
    openat: { args: ["i32", "ptr", "i32", "u32"], returns: "i32" },
    write: { args: ["i32", "ptr", "usize"], returns: FFIType.i64_fast },
    close: { args: ["i32"], returns: "i32" },
    renameat: { args: ["i32", "ptr", "i32", "ptr"], returns: "i32" },
  });
}

/** What `errno` says is not read: the runtime may call the system between the call and the look at it. */
function quickFiles(c: SystemCalls): QuickFiles {
  const [from, to] = [pathBuffer(), pathBuffer()];
  const found = new Uint32Array(new ArrayBuffer(STATX_BYTES));
  const foundAt = ptr(found);
  const quick: QuickFiles = {
    look(folder, path) {
      const at = from(path);
      if (at === undefined || c.statx(folder, at, 0, STATX_WANTED, foundAt) !== 0) return undefined;
      if (((found[0] ?? 0) & STATX_WANTED) !== STATX_WANTED) return undefined;
      return {
        sizeBytes: wide(found[10], found[11]),
        mtimeMs: wide(found[28], found[29]) * 1000 + (found[30] ?? 0) / 1e6,
      };
    },
    link(folder, path, toFolder, toPath) {
      const [fromAt, toAt] = [from(path), to(toPath)];
      if (fromAt === undefined || toAt === undefined) return false;
      return c.linkat(folder, fromAt, toFolder, toAt, 0) === 0;
    },
    makeFolder(folder, path) {
      const at = from(path);
      return at !== undefined && c.mkdirat(folder, at, 0o777) === 0;
    },
    create(folder, path, mode) {
      const at = from(path);
      const descriptor = at === undefined ? -1 : c.openat(folder, at, CREATE, mode);
      return descriptor < 0 ? undefined : descriptor;
    },
    write: (descriptor, bytes) =>
      bytes.length === 0 ? 0 : Math.max(0, Number(c.write(descriptor, bytes, bytes.length))),
    close: (descriptor) => void c.close(descriptor),
    rename(folder, path, toPath) {
      const [fromAt, toAt] = [from(path), to(toPath)];
      if (fromAt === undefined || toAt === undefined) return false;
      return c.renameat(folder, fromAt, folder, toAt) === 0;
    },
  };
  const { look, link, makeFolder, create, write, close } = quick;
  brief(look, link, makeFolder, create, write, close, from, to);
  return quick;
}

/** @see statx(2): mask 0, size 40, seconds of mtime 112, nanoseconds 120; the same on every machine */
export const STATX_BYTES = 256;
/** Size and time of the last change of the content. */
export const STATX_WANTED = 0x240;

/** What `openSync` takes for "wx". */
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | 0o2000000;

function wide(low = 0, high = 0): number {
  return high * 2 ** 32 + low;
}

/** Puts a path where C finds it; undefined where it is too long, or is no path. */
function pathBuffer(): (path: string) => Pointer | undefined {
  const bytes = new Uint8Array(new ArrayBuffer(PATH_BYTES + 1));
  const address = ptr(bytes);
  return (path) => {
    const { read, written } = UTF8.encodeInto(path, bytes);
    if (read < path.length || written > PATH_BYTES || path.includes("\0")) return undefined;
    bytes[written] = 0;
    return address;
  };
}

const UTF8 = new TextEncoder();
