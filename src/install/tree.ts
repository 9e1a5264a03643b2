import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { fail } from "#base/errors.ts";
import type { PackageName } from "#base/names.ts";

import { type BinOptions, binsOf, writeBins } from "./bins.ts";
import { isFolder, isInPlainFolder, isThere } from "./commit.ts";
import { type Journal, STAGING } from "./journal.ts";
import { layPackage, type LinkMethod, probeLinks } from "./link.ts";
import type { Lock, LockedPackage } from "./lockfile.ts";
import { type Placed, readMarker } from "./marker.ts";
import type { InstallResult } from "./options.ts";
import type { Store } from "./store.ts";
import type { StoredPackage } from "./stored.ts";

/** An install folder as it stands. */
export type Tree =
  /** Made by land, or not there, or empty. */
  | { kind: "own"; placed: Placed }
  /** Made by something else: a package manager, a person, a link to another place. */
  | { kind: "foreign"; names: string[] };

/** Looks at an install folder. Nothing is changed. */
export async function readTree(installDir: string): Promise<Tree> {
  if (!isThere(installDir)) return { kind: "own", placed: new Map() };
  if (!isFolder(installDir)) return { kind: "foreign", names: [] };
  const placed = await readMarker(installDir);
  if (placed) return { kind: "own", placed };
  const names = readdirSync(installDir);
  return names.length === 0 ? { kind: "own", placed: new Map() } : { kind: "foreign", names };
}

/** What has to be done so that a tree holds what a lock says. */
export type TreeChange = {
  result: InstallResult;
  /** Packages to lay. */
  place: LockedPackage[];
  /** Names to take away. */
  remove: PackageName[];
};

/** Compares a tree with a lock. A package whose folder was deleted is laid again, and counts as added. */
export function changeOf(installDir: string, placed: Placed, lock: Lock): TreeChange {
  const result: InstallResult = { added: [], removed: [], changed: [], unchanged: 0 };
  const place: LockedPackage[] = [];
  for (const locked of lock.packages) {
    const { name, version, digest } = locked;
    const before = placed.get(name);
    const present = before && isInPlainFolder(installDir, name) && isFolder(join(installDir, name));
    if (present && before.digest === digest && before.version === version) {
      result.unchanged += 1;
      continue;
    }
    place.push(locked);
    if (present) result.changed.push({ name, version, from: before.version });
    else result.added.push({ name, version });
  }
  const wanted = new Set(lock.packages.map(({ name }) => name));
  for (const [name, { version }] of placed)
    if (!wanted.has(name)) result.removed.push({ name, version });
  return { result, place, remove: result.removed.map(({ name }) => name) };
}

/** What a tree is prepared from. */
export type Preparation = {
  installDir: string;
  tree: Tree;
  change: TreeChange;
  lock: Lock;
  store: Store;
  /** The packages of `change.place`, in that order. */
  stored: readonly StoredPackage[];
  bins: BinOptions;
  /** Fetches a package again whose content the store lost. */
  fetchAgain: (locked: LockedPackage) => Promise<StoredPackage>;
};

/**
 * Lays everything new in the staging folder and tells the steps that bring it into place. The tree itself is not touched.
 *
 * @throws bin_taken, file_failed
 */
export async function prepareTree(preparation: Preparation): Promise<Omit<Journal, "files">> {
  const { installDir, tree, change, lock, stored } = preparation;
  const before: Placed = tree.kind === "own" ? tree.placed : new Map();
  const placed = placedAfter(before, lock, change, stored);
  const bins = binsOf(placed);
  const staging = makeStaging(installDir);
  await layAll(preparation, join(staging, "new"));
  const sameBins = tree.kind === "own" && JSON.stringify(binsOf(before)) === JSON.stringify(bins);
  const keep = sameBins && (bins.length === 0 || isFolder(join(installDir, ".bin")));
  if (!keep && bins.length > 0)
    await writeBins(join(staging, "new", "bin"), bins, preparation.bins);
  return {
    clear: tree.kind === "foreign" ? tree.names : [],
    remove: change.remove,
    place: change.place.map(({ name }) => name),
    bins: keep ? "keep" : bins.length > 0 ? "new" : "none",
    placed,
  };
}

function placedAfter(
  before: Placed,
  lock: Lock,
  change: TreeChange,
  stored: readonly StoredPackage[],
): Placed {
  const laid = new Map(change.place.map(({ name }, at) => [name, stored[at]]));
  const placed: Placed = new Map();
  for (const { name, version, digest } of lock.packages) {
    const bin = laid.get(name)?.bin ?? before.get(name)?.bin ?? {};
    placed.set(name, { version, digest, bin });
  }
  return placed;
}

async function layAll(
  { change, store, stored, fetchAgain }: Preparation,
  folder: string,
): Promise<void> {
  let method: LinkMethod | undefined;
  for (const [at, locked] of change.place.entries()) {
    let found = stored[at] ?? (await fetchAgain(locked));
    const sample = found.files[0];
    if (sample) method ??= probeLinks(store.objectPath(sample), folder, process.getuid?.() === 0);
    const target = join(folder, String(at));
    if (layPackage(store, found, target, method ?? "copy")) continue;
    // Someone deleted from the store, or cut a file there: its index is a lie, so it is made anew.
    await store.forget(locked.digest);
    found = await fetchAgain(locked);
    if (!layPackage(store, found, target, method ?? "copy"))
      throw fail("file_failed", {
        action: "read",
        path: store.archivePath(locked.digest),
        problem: "the store loses files while it is used",
      });
  }
}

/** An empty staging folder. A link in its place is taken away, not followed. */
function makeStaging(installDir: string): string {
  const staging = join(installDir, STAGING);
  if (lstatSync(installDir, { throwIfNoEntry: false })?.isDirectory() === false)
    rmSync(installDir, { force: true });
  mkdirSync(installDir, { recursive: true });
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(join(staging, "new"), { recursive: true });
  return staging;
}
