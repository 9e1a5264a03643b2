import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import type { PackageName } from "#base/names.ts";

import { binsOf, writeBins } from "./bins.ts";
import { isFolder, isInPlainFolder, isThere } from "./commit.ts";
import { type Journal, STAGING } from "./journal.ts";
import type { Known } from "./link-known.ts";
import type { Lock, LockedPackage } from "./lockfile.ts";
import { type Held, type Links, type Placed, type PlacedLink, readMarker } from "./marker.ts";
import { isLinkTo, linkTarget } from "./members.ts";
import type { InstallOptions, InstallResult } from "./options.ts";
import { makeStaging } from "./staging.ts";
import type { StoreThread } from "./store-thread.ts";
import type { Store } from "./store.ts";
import type { StoredPackage } from "./stored.ts";

/** An install folder as it stands. */
export type Tree =
  /** Made by land, or not there, or empty. */
  | ({ kind: "own" } & Held)
  /** Made by something else: a package manager, a person, a link to another place. */
  | { kind: "foreign"; names: string[] };

/** Looks at an install folder. Nothing is changed. */
export async function readTree(installDir: string): Promise<Tree> {
  if (!isThere(installDir)) return { kind: "own", ...heldBy(undefined) };
  if (!isFolder(installDir)) return { kind: "foreign", names: [] };
  const held = await readMarker(installDir);
  if (held) return { kind: "own", ...held };
  const names = readdirSync(installDir).filter((name) => name !== STAGING);
  return names.length === 0 ? { kind: "own", ...heldBy(undefined) } : { kind: "foreign", names };
}

/** What land put into a tree: nothing where it is of somebody else. */
export function heldBy(tree: Tree | undefined): Held {
  return tree?.kind === "own"
    ? { placed: tree.placed, links: tree.links, lock: tree.lock }
    : { placed: new Map(), links: new Map(), lock: undefined };
}

/** What has to be done so that a tree holds what a lock says and links the members. */
export type TreeChange = {
  result: InstallResult;
  /** Packages to lay. */
  place: LockedPackage[];
  /** Members to link. */
  link: (PlacedLink & { name: PackageName })[];
  /** Names to take away. */
  remove: PackageName[];
};

/** Where the folders of a change are, absolute. */
export type TreePlaces = { rootDir: string; installDir: string; windows: boolean };

/**
 * Compares a tree with a lock and the members to link. A package whose folder was deleted is laid again, and counts as
 * added; links are not counted.
 */
export function changeOf(places: TreePlaces, held: Held, lock: Lock, links: Links): TreeChange {
  const { installDir } = places;
  const result: InstallResult = { added: [], removed: [], changed: [], unchanged: 0 };
  const place: LockedPackage[] = [];
  for (const locked of lock.packages) {
    const { name, version, digest } = locked;
    const before = held.placed.get(name);
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
  for (const [name, { version }] of held.placed)
    if (!wanted.has(name)) result.removed.push({ name, version });
  const gone = [...result.removed.map(({ name }) => name), ...held.links.keys()];
  return {
    result,
    place,
    link: [...links].flatMap(([name, link]) =>
      isLinked(places, held, name, link) ? [] : [{ name, ...link }],
    ),
    remove: [...new Set(gone)].filter((name) => !wanted.has(name) && !links.has(name)),
  };
}

/** Whether a member is in the tree as it should be. */
function isLinked(places: TreePlaces, held: Held, name: PackageName, link: PlacedLink): boolean {
  const before = held.links.get(name);
  return (
    before?.folder === link.folder &&
    JSON.stringify(before.bin) === JSON.stringify(link.bin) &&
    isInPlainFolder(places.installDir, name) &&
    isLinkTo(join(places.installDir, name), linkTarget(places, name, link.folder))
  );
}

/** What a tree is prepared from. */
export type Preparation = {
  places: TreePlaces;
  tree: Tree;
  change: TreeChange;
  lock: Lock;
  links: Links;
  store: Store;
  /** The packages of `change.place`, in that order; none where they are known. */
  stored: readonly StoredPackage[];
  known: Known | undefined;
  landBinary: string;
  link: InstallOptions["link"];
  /** Fetches a package again whose content the store lost. */
  fetchAgain: (locked: LockedPackage) => Promise<StoredPackage>;
  /** Lays with this one, where there is a second thread. */
  thread: StoreThread | undefined;
};

/**
 * Lays everything new in the staging folder and tells the steps that bring it into place. The tree itself is not touched.
 *
 * @throws bin_taken, file_failed
 */
export async function prepareTree(
  preparation: Preparation,
): Promise<Omit<Journal, "files" | "lock">> {
  const { places, tree, change, lock, links, stored, known, landBinary } = preparation;
  const { installDir, windows } = places;
  const before = heldBy(tree);
  const placed = placedAfter(before.placed, lock, change, known?.layout.packages ?? stored);
  const bins = binsOf([...placed, ...links]);
  // Where laying began, there is one.
  const staging = known?.begun ? join(installDir, STAGING) : makeStaging(installDir);
  const { store, link, fetchAgain, thread } = preparation;
  const folder = join(staging, "new");
  const { layPackages } = await import("./link.ts");
  const packages = change.place;
  await layPackages({ store, packages, stored, known, folder, link, fetchAgain, thread });
  linkAll(places, change, join(staging, "new"));
  const binsBefore = binsOf([...before.placed, ...before.links]);
  const sameBins = tree.kind === "own" && JSON.stringify(binsBefore) === JSON.stringify(bins);
  const keep = sameBins && (bins.length === 0 || isFolder(join(installDir, ".bin")));
  if (!keep && bins.length > 0)
    await writeBins(join(staging, "new", "bin"), bins, { landBinary, windows });
  return {
    clear: tree.kind === "foreign" ? tree.names : [],
    remove: change.remove,
    place: [...change.place, ...change.link].map(({ name }) => name),
    bins: keep ? "keep" : bins.length > 0 ? "new" : "none",
    placed,
    links,
  };
}

/** The links follow the packages in `new/`, and lead where they should once they are in place. */
function linkAll(places: TreePlaces, { place, link }: TreeChange, folder: string): void {
  for (const [at, { name, folder: member }] of link.entries()) {
    const target = linkTarget(places, name, member);
    symlinkSync(
      target,
      join(folder, String(place.length + at)),
      places.windows ? "junction" : "dir",
    );
  }
}

function placedAfter(
  before: Placed,
  lock: Lock,
  change: TreeChange,
  stored: readonly Pick<StoredPackage, "bin">[],
): Placed {
  const laid = new Map(change.place.map(({ name }, at) => [name, stored[at]]));
  const placed: Placed = new Map();
  for (const { name, version, digest } of lock.packages) {
    const bin = laid.get(name)?.bin ?? before.get(name)?.bin ?? {};
    placed.set(name, { version, digest, bin });
  }
  return placed;
}
