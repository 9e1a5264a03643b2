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
import { dirname, join } from "node:path";

import { fail } from "#base/errors.ts";
import { fault } from "#base/faults.ts";
import { errorCode } from "#store/files.ts";

import type { LockedPackage } from "./lockfile.ts";
import type { InstallOptions } from "./options.ts";
import type { Store } from "./store.ts";
import type { StoredFile, StoredPackage } from "./stored.ts";

/** How files come from the store into a tree. */
export type LinkMethod = "reflink" | "hardlink" | "copy";

/** Packages to lay, and where to. */
export type Laying = {
  store: Pick<Store, "objectPath" | "archivePath" | "forget">;
  /** The `n`th goes to `folder/n`. */
  packages: readonly LockedPackage[];
  /** What the store holds of them, in the same order. */
  stored: readonly StoredPackage[];
  /** A folder that is there. */
  folder: string;
  link: InstallOptions["link"];
  /** Fetches a package again whose content the store lost. */
  fetchAgain: (locked: LockedPackage) => Promise<StoredPackage>;
};

/**
 * Lays packages side by side. What the store lacks, or has with another size, or with other bytes where it was written to after it
 * was looked at, is fetched again.
 *
 * @throws file_failed, and what fetching throws
 */
export async function layPackages(laying: Laying): Promise<void> {
  const { store, packages, stored, folder, link, fetchAgain } = laying;
  let method: LinkMethod | undefined;
  for (const [at, locked] of packages.entries()) {
    const found = stored[at] ?? (await fetchAgain(locked));
    const sample = found.files[0];
    if (sample) method ??= methodFor(link, store.objectPath(sample), folder);
    const target = join(folder, String(at));
    fault("tree.lay");
    if (layPackage(store, found, target, method ?? "copy")) continue;
    // Someone deleted from the store, or changed a file there: its index is a lie, so it is made anew.
    await store.forget(locked.digest);
    if (!layPackage(store, await fetchAgain(locked), target, method ?? "copy"))
      throw fail("file_failed", {
        action: "read",
        path: store.archivePath(locked.digest),
        problem: "the store loses files while it is used",
      });
  }
}

/** What was found between two disks, for as long as the process runs. */
const probed = new Map<string, LinkMethod>();

/** The method that is wished for where it works between store and folder, else copy; for `auto` the best that works. */
function methodFor(wish: InstallOptions["link"], sample: string, folder: string): LinkMethod {
  if (wish === "copy") return "copy";
  const key = `${wish} ${deviceOf(sample)} ${deviceOf(folder)}`;
  const known = probed.get(key);
  if (known) return known;
  const found = probeLinks(sample, folder, process.getuid?.() === 0, wish);
  // Where the sample is lost, nothing was found out.
  if (deviceOf(sample) !== undefined) probed.set(key, found);
  return found;
}

function deviceOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.dev;
}

/**
 * Which method works between the store and `folder`, tried with the file `sample`: reflink; else hardlink, but not for
 * root, whom read-only objects would not keep from changing the store through the tree; else copy. With a wish, that one
 * alone is tried, hardlinks for root too.
 */
export function probeLinks(
  sample: string,
  folder: string,
  isRoot: boolean,
  wish: "auto" | "reflink" | "hardlink" = "auto",
): LinkMethod {
  const target = join(folder, "probe");
  const works = (link: () => void): boolean => {
    try {
      link();
      return true;
    } catch {
      return false; // Not on this file system, or across two.
    } finally {
      rmSync(target, { force: true });
    }
  };
  const reflink = (): void => copyFileSync(sample, target, constants.COPYFILE_FICLONE_FORCE);
  if (wish !== "hardlink" && works(reflink)) return "reflink";
  const mayLink = wish === "hardlink" || (wish === "auto" && !isRoot);
  return mayLink && works(() => linkSync(sample, target)) ? "hardlink" : "copy";
}

/**
 * Lays all files of a package into the new folder `target`. False where the store lacks one of them or has another in its
 * place: the package must be fetched again, and what was laid is removed.
 */
export function layPackage(
  store: Pick<Store, "objectPath">,
  stored: StoredPackage,
  target: string,
  method: LinkMethod,
): boolean {
  const folders = new Set<string>();
  mkdirSync(target, { recursive: true });
  for (const file of stored.files) {
    const to = `${target}/${file.path}`;
    const folder = dirname(to);
    if (!folders.has(folder)) {
      mkdirSync(folder, { recursive: true });
      folders.add(folder);
    }
    const from = { path: store.objectPath(file), file, checkedAt: stored.checkedAt ?? 0 };
    if (layFile(from, to, method)) continue;
    rmSync(target, { recursive: true, force: true });
    return false;
  }
  return true;
}

/** A file of the store: where it lies, what it should be, and when it was looked at, in milliseconds since 1970. */
type Source = { path: string; file: StoredFile; checkedAt: number };

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
