import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

import { brief } from "#base/brief.ts";
import { fail } from "#base/errors.ts";
import { fault } from "#base/faults.ts";
import { errorCode } from "#store/files.ts";

import { type Known, layKnown, sampleOf } from "./link-known.ts";
import { type LinkMethod, methodFor } from "./link-method.ts";
import type { LockedPackage } from "./lockfile.ts";
import type { InstallOptions } from "./options.ts";
import { openQuickFolder, type QuickFolder } from "./quick-files.ts";
import type { StoreThread } from "./store-thread.ts";
import type { Store } from "./store.ts";
import type { StoredFile, StoredPackage } from "./stored.ts";

/** The store that files are laid from; `quick` where it can be worked on quickly. */
export type LaidFrom = Pick<Store, "objectPath"> & Partial<Pick<Store, "quick">>;

/** Packages to lay, and where to. */
export type Laying = {
  store: LaidFrom & Pick<Store, "archivePath" | "forget">;
  /** The `n`th goes to `folder/n`. */
  packages: readonly LockedPackage[];
  /** What the store holds of them, in the same order; what is not told here is looked up. */
  stored: readonly StoredPackage[];
  /** By which they are laid where files can be linked. */
  known?: Known | undefined;
  /** A folder that is there. */
  folder: string;
  link: InstallOptions["link"];
  /** Fetches a package again whose content the store lost. */
  fetchAgain: (locked: LockedPackage) => Promise<StoredPackage>;
  /** Lays with this one, where there is a second thread. */
  thread?: Pick<StoreThread, "lay"> | undefined;
};

/**
 * Lays packages side by side. What the store lacks, or has with another size, or with other bytes where it was written to after it
 * was looked at, is fetched again.
 *
 * @throws file_failed, and what fetching throws
 */
export async function layPackages(laying: Laying): Promise<void> {
  const { store, packages, stored, folder, link, thread, known } = laying;
  const sample = known ? sampleOf(known) : sampleIn(laying);
  const method = sample === undefined ? "copy" : methodFor(link, sample, folder);
  if (known && method === "hardlink") {
    const laid = await layKnown(known, folder);
    for (const at of packages.keys())
      if (!laid.has(at)) await layOne(laying, at, method, undefined);
    return;
  }
  const digests = packages.map(({ digest }) => digest);
  const turn = new Int32Array(new SharedArrayBuffer(4));
  const fresh = stored.map((found) => found.fresh === true);
  const besides = thread?.lay({ digests, fresh, folder, method, turn });
  const quick = openQuickLaying(store, folder, method);
  const mine = new Set<number>();
  try {
    for (let at = takeTurn(turn); at < packages.length; at = takeTurn(turn)) {
      mine.add(at);
      await layOne(laying, at, method, quick);
    }
    if (mine.size === packages.length) return;
    const laid = new Set(await besides);
    for (const at of packages.keys())
      if (!mine.has(at) && !laid.has(at)) await layOne(laying, at, method, quick);
  } catch (error) {
    Atomics.store(turn, 0, packages.length);
    // Whoever clears away what was laid must be alone with it.
    await besides;
    throw error;
  } finally {
    quick?.folder.close();
  }
}

function sampleIn({ store, stored }: Laying): string | undefined {
  const file = stored.find(({ files }) => files.length > 0)?.files[0];
  return file && store.objectPath(file);
}

function takeTurn(turn: Int32Array): number {
  return Atomics.add(turn, 0, 1);
}

async function layOne(
  { store, packages, stored, folder, fetchAgain }: Laying,
  at: number,
  method: LinkMethod,
  quick: QuickLaying | undefined,
): Promise<void> {
  const locked = packages[at];
  if (!locked) return;
  const found = stored[at] ?? (await fetchAgain(locked));
  const target = join(folder, String(at));
  if (layPackage(store, found, target, method, quick)) return;
  // Someone deleted from the store, or changed a file there: its index is a lie, so it is made anew.
  await store.forget(locked.digest);
  if (!layPackage(store, await fetchAgain(locked), target, method, quick))
    throw fail("file_failed", {
      action: "read",
      path: store.archivePath(locked.digest),
      problem: "the store loses files while it is used",
    });
}

/**
 * Lays all files of a package into the new folder `target`. False where the store lacks one of them or has another in its
 * place: the package must be fetched again, and what was laid is removed.
 */
export function layPackage(
  store: LaidFrom,
  stored: StoredPackage,
  target: string,
  method: LinkMethod,
  quick?: QuickLaying,
): boolean {
  fault("tree.lay");
  if (quick) makeFolder(quick.folder.inside(target), target, quick);
  else mkdirSync(target, { recursive: true });
  if (layFiles(store, stored, target, method, quick)) return true;
  rmSync(target, { recursive: true, force: true });
  return false;
}

/** The folder of the store and the one in which packages are laid, both open. */
export type QuickLaying = { source: QuickFolder; folder: QuickFolder };

/** What packages are laid with quickly into `folder`; undefined where that goes only the long way. The caller closes the folder. */
export function openQuickLaying(
  store: LaidFrom,
  folder: string,
  method: LinkMethod,
): QuickLaying | undefined {
  const source = method === "hardlink" ? store.quick?.() : undefined;
  const opened = openQuickFolder(folder, source?.files);
  return source && opened && { source, folder: opened };
}

/** False where the store lacks one of them, or has another in its place. */
function layFiles(
  store: LaidFrom,
  { files, checkedAt = 0, fresh = false }: StoredPackage,
  target: string,
  method: LinkMethod,
  quick: QuickLaying | undefined,
): boolean {
  const folders = new Set([""]);
  const inside = quick?.folder.inside(target);
  for (const file of files) {
    const folder = file.path.slice(0, Math.max(0, file.path.lastIndexOf("/")));
    if (!folders.has(folder)) makeFolder(`${inside}/${folder}`, `${target}/${folder}`, quick);
    folders.add(folder);
    const from = { path: store.objectPath(file), file, checkedAt, fresh };
    if (quick && linkQuickly(from, `${inside}/${file.path}`, quick)) continue;
    if (!layFile(from, `${target}/${file.path}`, method)) return false;
  }
  return true;
}

function makeFolder(inside: string, path: string, quick: QuickLaying | undefined): void {
  if (quick?.folder.files.makeFolder(quick.folder.descriptor, inside)) return;
  mkdirSync(path, { recursive: true });
}

/** False where that did not go, or what is there may not be what it should be: then it is done or judged the long way. */
function linkQuickly(
  { path, file, checkedAt, fresh }: Source,
  to: string,
  { source: { files, descriptor, inside }, folder }: QuickLaying,
): boolean {
  const from = inside(path);
  const found = fresh ? undefined : files.look(descriptor, from);
  if (!fresh && (found?.sizeBytes !== file.sizeBytes || found.mtimeMs > checkedAt)) return false;
  return files.link(descriptor, from, folder.descriptor, to);
}

/**
 * A file of the store: where it lies, what it should be, and when it was looked at, in milliseconds since 1970; or that it was put
 * there a moment ago.
 */
type Source = { path: string; file: StoredFile; checkedAt: number; fresh: boolean };

/** False where it is not there, or not what it should be. */
function layFile(from: Source, to: string, method: LinkMethod): boolean {
  const { sizeBytes, executable } = from.file;
  const mode = executable ? 0o755 : 0o644;
  if (method === "copy" && sizeBytes < BUFFER.length) return copySmall(from, to, mode);
  const found = statSync(from.path, { throwIfNoEntry: false });
  if (found?.size !== sizeBytes) return false;
  if (wasWritten(found, from) && !holdsItsBytes(from)) return false;
  if (method === "hardlink") {
    try {
      linkSync(from.path, to);
      return true;
    } catch (error) {
      // A file has only so many names on some file systems.
      if (errorCode(error) !== "EMLINK") throw error;
    }
  }
  copyFileSync(from.path, to, method === "reflink" ? constants.COPYFILE_FICLONE_FORCE : 0);
  chmodSync(to, mode & ~process.umask());
  return true;
}

/** Who changes a file that is linked into a tree changes it in the store, too. To hash each file each time would take too long. */
function wasWritten(found: Stats, { checkedAt }: Source): boolean {
  return found.mtimeMs > checkedAt;
}

function holdsItsBytes({ path, file }: Source): boolean {
  const hasher = new Bun.CryptoHasher("sha256");
  const descriptor = openSync(path, "r");
  try {
    for (let size = -1; size !== 0;) {
      size = readSync(descriptor, BUFFER, 0, BUFFER.length, null);
      hasher.update(BUFFER.subarray(0, size));
    }
  } finally {
    closeSync(descriptor);
  }
  return hasher.digest("hex") === file.sha256;
}

const BUFFER = new Uint8Array(256 * 1024);

/** Half as many calls of the system as `copyFile` makes, which is what copying a small file costs. */
function copySmall(from: Source, to: string, mode: number): boolean {
  const { sizeBytes } = from.file;
  if (!readSmall(from)) return false;
  const descriptor = openSync(to, "wx", mode);
  try {
    for (let at = 0; at < sizeBytes;) at += writeSync(descriptor, BUFFER, at, sizeBytes - at);
  } finally {
    closeSync(descriptor);
  }
  return true;
}

/** Reads a file into the buffer, which it fits. False where it is not there, or not what it should be. */
function readSmall(from: Source): boolean {
  const { sizeBytes, sha256 } = from.file;
  try {
    const descriptor = openSync(from.path, "r");
    try {
      if (readSync(descriptor, BUFFER, 0, BUFFER.length, 0) !== sizeBytes) return false;
      if (!wasWritten(fstatSync(descriptor), from)) return true;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "EISDIR") return false;
    throw error;
  }
  const hasher = new Bun.CryptoHasher("sha256").update(BUFFER.subarray(0, sizeBytes));
  return hasher.digest("hex") === sha256;
}

brief(layFiles, linkQuickly);
