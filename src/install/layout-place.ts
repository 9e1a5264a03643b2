import { type Stats, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { indexFolder } from "./index-cache.ts";
import type { LockedPackage } from "./lockfile.ts";
import { hashOf } from "./memo-file.ts";
import { storePlaces } from "./store-places.ts";

const FORMAT = 1;
const DAY_MS = 86_400_000;

/** The packages of a store in an order, in one start of the machine: what was vouched for in it needs no closer look. */
export type LayoutOf = { landHome: string; bootId: string; packages: readonly LockedPackage[] };

/** Where the layout of these packages lies: among the cached indexes, and it is pruned with them. No registry has such a folder. */
export function layoutPath({ landHome, bootId, packages }: LayoutOf): string {
  const named = packages.map(({ name, version, digest }) => [name, version, digest]);
  return pathOf(landHome, [FORMAT, bootId, named]);
}

/** Where it is told which layout a project most likely needs for a whole tree, by its manifests and its lock as they stand. */
export function likelyPath(
  landHome: string,
  project: { dir: string; bootId: string; texts: object; lock: string | undefined },
): string {
  const { dir, bootId, texts, lock } = project;
  const disks = [dir, storePlaces(landHome).files].map(diskOf);
  return pathOf(landHome, [FORMAT, "likely", bootId, disks, texts, lock]);
}

function diskOf(path: string): number | undefined {
  return lookAt(path)?.dev;
}

function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // A part of the path is a file.
  }
}

function pathOf(landHome: string, key: unknown[]): string {
  return join(indexFolder(landHome), "laid", hashOf(JSON.stringify(key)));
}

/** Whether the store has an index of each package still. These are marked as used, at most once a day, as `Store.find` does; the layout, too. */
export function useLayout(about: LayoutOf, now: Date): boolean {
  const { indexPath } = storePlaces(about.landHome);
  const paths = about.packages.map(({ digest }) => indexPath(digest));
  const times = [...paths, layoutPath(about)].map((path) => ({
    path,
    usedMs: lookAt(path)?.mtimeMs,
  }));
  if (times.some(({ usedMs }) => usedMs === undefined)) return false;
  for (const { path, usedMs = 0 } of times)
    if (now.getTime() - usedMs > DAY_MS) markUsed(path, now);
  return true;
}

function markUsed(path: string, now: Date): void {
  try {
    utimesSync(path, now, now);
  } catch {
    // A store that may only be read.
  }
}
