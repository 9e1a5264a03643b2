import { readdirSync, statSync } from "node:fs";

import { LandError } from "#base/errors.ts";
import { type Digest, parseDigest } from "#base/names.ts";
import { errorCode, fileFailed } from "#store/files.ts";

import { hexOf, type StorePlaces } from "./store-places.ts";
import { readStored } from "./store.ts";
import type { StoredPackage } from "./stored.ts";

/** A package of the store, and when it was last of use. */
export type Surveyed = {
  digest: Digest;
  /** What the index says; undefined where there is an archive and no index. */
  stored: StoredPackage | undefined;
  /** The archive; 0 where it is not there. */
  packedBytes: number;
  /** Milliseconds since 1970. */
  usedAtMs: number;
};

/** What the store holds. */
export type Survey = {
  packages: Surveyed[];
  /** Objects by the name of their file: their size, and by how many packages they are needed. */
  needed: Map<string, { sizeBytes: number; count: number }>;
  /** Names of files that are no object of any package. */
  strays: string[];
};

/** How a survey is bounded: it answers undefined once `expired` says so. */
export type Bound = { expired: () => boolean };

/**
 * Looks at the whole store, by its index files and the names of its objects: none of these is opened, and of none the size
 * is asked. Take the lock before.
 *
 * @throws file_failed
 */
export function surveyStore(places: StorePlaces, bound?: Bound): Survey | undefined {
  const indexes = namesIn(places.index).filter((name) => name.endsWith(".json"));
  const packages = new Map<string, Surveyed>();
  for (const name of indexes) {
    if (bound?.expired()) return undefined;
    const found = readPackage(places, name.slice(0, -".json".length));
    if (found) packages.set(hexOf(found.digest), found);
  }
  for (const name of namesIn(places.archives)) {
    if (bound?.expired()) return undefined;
    if (packages.has(name)) continue;
    const bare = bareArchive(places, name);
    if (bare) packages.set(name, bare);
  }
  const needed: Survey["needed"] = new Map();
  for (const { stored } of packages.values()) if (stored) addNeeds(needed, stored);
  if (bound?.expired()) return undefined;
  const strays = namesIn(places.files).filter((name) => !needed.has(name));
  return { packages: [...packages.values()], needed, strays };
}

/** The name of the file under which a content is kept. */
export function objectName({
  sha256,
  executable,
}: {
  sha256: string;
  executable: boolean;
}): string {
  return executable ? `${sha256}x` : sha256;
}

/** The names of the objects of a package, each once. */
export function objectsOf(stored: StoredPackage): Set<string> {
  return new Set(stored.files.map(objectName));
}

function addNeeds(needed: Survey["needed"], stored: StoredPackage): void {
  const sizes = new Map(stored.files.map((file) => [objectName(file), file.sizeBytes]));
  for (const [name, sizeBytes] of sizes) {
    const known = needed.get(name);
    if (known) known.count += 1;
    else needed.set(name, { sizeBytes, count: 1 });
  }
}

function readPackage(places: StorePlaces, hex: string): Surveyed | undefined {
  const digest = digestOf(hex);
  const path = digest && places.indexPath(digest);
  const about = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  if (!digest || !about?.isFile()) return undefined;
  const stored = readStored(places, digest);
  if (!stored) return undefined;
  return { digest, stored, packedBytes: stored.packedBytes, usedAtMs: about.mtimeMs };
}

function bareArchive(places: StorePlaces, hex: string): Surveyed | undefined {
  const digest = digestOf(hex);
  const found = digest && statSync(places.archivePath(digest), { throwIfNoEntry: false });
  if (!digest || !found) return undefined;
  return { digest, stored: undefined, packedBytes: found.size, usedAtMs: found.mtimeMs };
}

function digestOf(hex: string): Digest | undefined {
  try {
    return parseDigest(`sha256:${hex}`);
  } catch (error) {
    if (error instanceof LandError) return undefined;
    throw error;
  }
}

/** The names in all shards of a folder: what does not lie in the shard of its name is none of ours. */
export function namesIn(folder: string): string[] {
  return listFolder(folder)
    .filter((shard) => /^[0-9a-f]{2}$/.test(shard))
    .flatMap((shard) => listFolder(`${folder}/${shard}`).filter((name) => name.startsWith(shard)));
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT" || errorCode(cause) === "ENOTDIR") return [];
    throw fileFailed("read", path, cause);
  }
}
