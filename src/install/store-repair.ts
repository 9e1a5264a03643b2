import { readFileSync, rmSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";

import { LandError } from "#base/errors.ts";
import { type Digest, parseDigest } from "#base/names.ts";

import { IN_MEMORY_BYTES } from "./receive.ts";
import { type Closeness, dropDamaged, hashFile, isWholeArchive } from "./store-check.ts";
import { pathOfObject, type StorePlaces, storePlaces } from "./store-places.ts";
import { namesIn, objectName } from "./store-survey.ts";
import { lockStore, readStored, type Store, storeAt, type StoreHome } from "./store.ts";
import type { StoredPackage } from "./stored.ts";

/** A package as a repair tells of it. Without name where only its checksum is known. */
export type RepairedPackage = { name: string | null; version: string | null; digest: Digest };

/** What a repair found and did. */
export type RepairResult = {
  /** Packages that were looked at. */
  packages: number;
  /** Those that were unpacked anew from their archives. */
  repaired: RepairedPackage[];
  /** Those that have to be fetched again; whatever was left of them is gone. */
  lost: RepairedPackage[];
  /** Files that were not what their name says, and are gone. */
  damaged: number;
};

/**
 * Makes the store whole: archives are the truth, the index and all unpacked files are made anew from them where they are
 * missing, torn or changed. Without `deep` a file that has an index is judged by its size, with it by each byte.
 *
 * @throws lock_busy, file_failed
 */
export async function repairStore(home: StoreHome & { deep: boolean }): Promise<RepairResult> {
  const places = storePlaces(home.landHome);
  const lock = await lockStore(home, "exclusive", home.lockTimeoutMs);
  try {
    await rm(places.temporary, { recursive: true, force: true });
    const store = storeAt(places, home, lock);
    const closeness = home.deep ? "content" : "size";
    const result: RepairResult = { packages: 0, repaired: [], lost: [], damaged: 0 };
    for (const digest of digestsIn(places)) {
      result.packages += 1;
      await repairOne({ places, store, closeness, result }, digest);
    }
    if (home.deep) result.damaged += await dropStrays(places);
    return result;
  } finally {
    lock.release();
  }
}

type Repair = { places: StorePlaces; store: Store; closeness: Closeness; result: RepairResult };

async function repairOne({ places, store, closeness, result }: Repair, digest: Digest) {
  const indexed = readIndexed(places, digest);
  const lost = indexed ? await dropDamaged(places, indexed, closeness) : [];
  const wasThere = statSync(places.archivePath(digest), { throwIfNoEntry: false }) !== undefined;
  // What has no index, or lacks a file, is made from the archive: then each of its bytes counts.
  const isCertain = indexed !== undefined && lost.length === 0 && closeness === "size";
  const isArchiveWhole = isCertain
    ? sizeOf(places.archivePath(digest)) === indexed.packedBytes
    : await isWholeArchive(places, digest);
  result.damaged += lost.length + (wasThere && !isArchiveWhole ? 1 : 0);
  if (indexed && lost.length === 0 && isArchiveWhole) return;
  const about = { name: indexed?.name ?? null, version: indexed?.version ?? null, digest };
  const stored = isArchiveWhole ? await unpackAgain(places, store, digest) : undefined;
  if (stored) {
    const { name, version } = stored;
    result.repaired.push({ name, version, digest });
    return;
  }
  rmSync(places.indexPath(digest), { force: true });
  rmSync(places.archivePath(digest), { force: true, recursive: true });
  result.lost.push(about);
}

/** What cannot be read counts as not there. */
function readIndexed(places: StorePlaces, digest: Digest): StoredPackage | undefined {
  try {
    return readStored(places, digest);
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
    rmSync(places.indexPath(digest), { force: true, recursive: true });
    return undefined;
  }
}

/** Undefined for an archive that is what its name says and yet no package: it came from no install. */
async function unpackAgain(
  places: StorePlaces,
  store: Store,
  digest: Digest,
): Promise<StoredPackage | undefined> {
  await store.forget(digest);
  const path = places.archivePath(digest);
  const small = (sizeOf(path) ?? 0) <= IN_MEMORY_BYTES;
  try {
    return await store.add(small ? { bytes: readFileSync(path) } : { path }, { digest });
  } catch (error) {
    if (error instanceof LandError && error.code === "package_refused") return undefined;
    throw error;
  }
}

/** Every package that there is an archive or an index of. */
function digestsIn(places: StorePlaces): Digest[] {
  const names = [...namesIn(places.archives), ...namesIn(places.index)];
  const digests = new Set<Digest>();
  for (const name of names) {
    const hex = /^[0-9a-f]{64}(?=$|\.json$)/.exec(name)?.[0];
    if (hex !== undefined) digests.add(parseDigest(`sha256:${hex}`));
  }
  return [...digests].toSorted();
}

/** Removes objects that no package needs and whose content has another checksum than their name. */
async function dropStrays(places: StorePlaces): Promise<number> {
  const needed = new Set<string>();
  for (const digest of digestsIn(places))
    for (const file of readIndexed(places, digest)?.files ?? []) needed.add(objectName(file));
  let dropped = 0;
  for (const name of namesIn(places.files)) {
    if (needed.has(name)) continue;
    const path = pathOfObject(places, name);
    if ((await hashFile(path)) === name.slice(0, 64)) continue;
    rmSync(path, { force: true, recursive: true });
    dropped += 1;
  }
  return dropped;
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
