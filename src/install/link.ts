import { chmodSync, constants, copyFileSync, linkSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { errorCode } from "#store/files.ts";

import type { Store } from "./store.ts";
import type { StoredPackage } from "./stored.ts";

/** How files come from the store into a tree. */
export type LinkMethod = "reflink" | "hardlink" | "copy";

/**
 * Which method works between the store and `folder`, tried with the file `sample`: reflink; else hardlink, but not for
 * root, whom read-only objects would not keep from changing the store through the tree; else copy.
 */
export function probeLinks(sample: string, folder: string, isRoot: boolean): LinkMethod {
  const target = join(folder, "probe");
  try {
    copyFileSync(sample, target, constants.COPYFILE_FICLONE_FORCE);
    return "reflink";
  } catch {
    // Not on this file system, or across two.
  } finally {
    rmSync(target, { force: true });
  }
  if (isRoot) return "copy";
  try {
    linkSync(sample, target);
    return "hardlink";
  } catch {
    return "copy";
  } finally {
    rmSync(target, { force: true });
  }
}

/**
 * Lays all files of a package into the new folder `target`. False where the store lacks one of them or has it with
 * another size: the package must be fetched again, and what was laid is removed.
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
    const from = store.objectPath(file);
    const to = `${target}/${file.path}`;
    const folder = dirname(to);
    if (!folders.has(folder)) {
      mkdirSync(folder, { recursive: true });
      folders.add(folder);
    }
    if (statSync(from, { throwIfNoEntry: false })?.size !== file.sizeBytes) {
      rmSync(target, { recursive: true, force: true });
      return false;
    }
    layFile(from, to, method, file.executable);
  }
  return true;
}

function layFile(from: string, to: string, method: LinkMethod, executable: boolean): void {
  if (method === "hardlink") {
    try {
      linkSync(from, to);
      return;
    } catch (error) {
      // A file has only so many names on some file systems.
      if (errorCode(error) !== "EMLINK") throw error;
    }
  }
  copyFileSync(from, to, method === "reflink" ? constants.COPYFILE_FICLONE_FORCE : 0);
  chmodSync(to, executable ? 0o755 : 0o644);
}
