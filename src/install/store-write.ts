import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { brief } from "#base/brief.ts";
import { fault } from "#base/faults.ts";
import { errorCode, syncFolder } from "#store/files.ts";

import type { QuickFolder } from "./quick-files.ts";
import type { Content } from "./unpack.ts";

/** Puts files into the store under the name of their content. */
export type ObjectWriter = {
  /**
   * Puts a file at `target`, read-only. What stands there already stays if it is the same, byte for byte, and is replaced
   * if it is not: a killed process, a lost power or a hand may have left anything.
   */
  put: (target: string, content: Content, mode: number) => void;
  /** Puts a text at `path` in one step, replacing what stands there. */
  replace: (path: string, bytes: Uint8Array, mode: number) => void;
  /** Where it is careful: what was put is on the disk when this returns. */
  settle: () => Promise<void>;
};

/** How the store is worked on quickly where that goes: its folder, and what was put there before and is not put again. */
export type QuickPutting = { quick: QuickFolder | undefined; known: Set<string> };

/**
 * Makes a writer. `careful` brings each file to the disk before it gets its name; else that is left to the system, and who
 * relies on it must look again after the machine was started anew.
 */
export function createWriter(
  temporary: string,
  careful: boolean,
  { quick, known }: QuickPutting = { quick: undefined, known: new Set() },
): ObjectWriter {
  const folders = new Set<string>();
  const noteFolder = (path: string): void => {
    if (careful) folders.add(dirname(path)).add(dirname(dirname(path)));
  };
  const replace = (path: string, bytes: Uint8Array, mode: number, sync: boolean): void => {
    const from = join(temporary, randomBytes(8).toString("hex"));
    try {
      inFolder(from, () => writeNew(from, bytes, mode, sync, quick));
      fault("store.replace");
      if (quick?.files.rename(quick.descriptor, quick.inside(from), quick.inside(path))) return;
      inFolder(path, () => renameSync(from, path));
    } catch (error) {
      rmSync(from, { force: true });
      throw error;
    }
  };
  /** In its place at once: one file made, nothing renamed. A kill may leave a part of it there, which no index names. */
  const putBytes = (target: string, bytes: Uint8Array, mode: number): void => {
    try {
      if (!careful && writeQuickly(target, bytes, mode, quick)) return;
      // That something stands there is told by an error, which takes long to make.
      if (!careful && quick && holds(target, bytes)) return;
      if (!careful) return inFolder(target, () => writeNew(target, bytes, mode, false));
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
    // What replaces something may belong to a package that was vouched for already.
    if (!holds(target, bytes)) replace(target, bytes, mode, true);
  };
  const writer: ObjectWriter = {
    replace(path, bytes, mode) {
      replace(path, bytes, mode, careful);
      noteFolder(path);
    },
    put(target, content, mode) {
      if (!careful && known.has(target)) return;
      if ("path" in content) putFile(target, content.path, mode, careful);
      else putBytes(target, content.bytes, mode);
      known.add(target);
      noteFolder(target);
    },
    async settle() {
      for (const folder of folders) await syncFolder(folder);
      folders.clear();
    },
  };
  brief(writer.put, putBytes);
  return writer;
}

/** Too large for the memory, so it lies on the same disk. */
function putFile(target: string, from: string, mode: number, careful: boolean): void {
  if (careful) syncFile(from);
  chmodSync(from, mode);
  inFolder(target, () => renameSync(from, target));
}

function writeNew(
  path: string,
  bytes: Uint8Array,
  mode: number,
  sync: boolean,
  quick?: QuickFolder,
): void {
  if (!sync && writeQuickly(path, bytes, mode, quick)) return;
  const descriptor = openSync(path, "wx", mode);
  try {
    writeAll(descriptor, bytes);
    if (sync) fsyncSync(descriptor);
  } catch (error) {
    closeSync(descriptor);
    rmSync(path, { force: true });
    throw error;
  }
  closeSync(descriptor);
}

/** False where it was not made: something stands there, or it does not go so. */
function writeQuickly(
  path: string,
  bytes: Uint8Array,
  mode: number,
  quick: QuickFolder | undefined,
): boolean {
  if (!quick) return false;
  const { files, descriptor: folder, inside } = quick;
  const short = inside(path);
  let made = files.create(folder, short, mode);
  if (made === undefined && files.makeFolder(folder, dirname(short)))
    made = files.create(folder, short, mode);
  if (made === undefined) return false;
  try {
    writeAll(made, bytes, files.write);
  } catch (error) {
    files.close(made);
    rmSync(path, { force: true });
    throw error;
  }
  files.close(made);
  return true;
}

/** A disk that fills up may take only a part. */
function writeAll(
  descriptor: number,
  bytes: Uint8Array,
  first: (descriptor: number, bytes: Uint8Array) => number = writeSync,
): void {
  fault("store.object");
  for (let at = first(descriptor, bytes); at < bytes.length;)
    at += writeSync(descriptor, bytes, at);
}

function syncFile(path: string): void {
  const descriptor = openSync(path, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function holds(path: string, bytes: Uint8Array): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.size !== bytes.length) return false;
  return readFileSync(path).equals(bytes);
}

/** Does it again after making the folder, where that was missing. */
function inFolder(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    mkdirSync(dirname(path), { recursive: true });
    work();
  }
}

brief(writeQuickly, writeAll, holds);
