import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, renameSync, statSync } from "node:fs";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { LandError } from "#base/errors.ts";
import type { Digest } from "#base/names.ts";
import type { Home } from "#remote/credentials.ts";
import { fileFailed, readTextIfAny, syncFolder, writeFileAtomic } from "#store/files.ts";
import { takeLock } from "#store/lock.ts";

import { inParallel } from "./parallel.ts";
import { parseStored, serializeStored, type StoredFile, type StoredPackage } from "./stored.ts";
import { type Expected, unpackArchive, type Unpacked } from "./unpack.ts";

/**
 * `$LAND_HOME/store/v1`, shared by all projects: `sha256/` holds archives, `files/` each different file once, `index/`
 * what belongs to which package. What has an index is whole, also after a crash or power loss.
 */
export type Store = {
  /** The package of that archive, if it is whole. */
  find: (digest: Digest) => Promise<StoredPackage | undefined>;
  /** Where the archive of that digest lies, whether or not it is there. */
  archivePath: (digest: Digest) => string;
  /** Where the content of a file lies. */
  objectPath: (file: StoredFile) => string;
  /** An empty folder on the store's disk for a download; `add` may take its files, the caller removes it. */
  makeFolder: () => Promise<string>;
  /**
   * Takes a package in. `archive` lies in a folder made by `makeFolder` and has the expected checksum: it is moved.
   *
   * @throws package_refused, file_failed
   */
  add: (archive: string, expected: Expected) => Promise<StoredPackage>;
  /** Forgets what belongs to the package, and those of its objects that have another size than they should. */
  forget: (digest: Digest) => Promise<void>;
  /** Lets others prune. */
  close: () => void;
};

const SYNCS_AT_ONCE = 16;

/**
 * Opens the store for use; while it is open nothing is pruned. Leavings of killed processes are swept where nobody else
 * has it open.
 *
 * @throws lock_busy, file_failed
 */
export async function openStore(
  home: Home & { onWait?: (holder: string) => void },
): Promise<Store> {
  const dir = join(home.landHome, "store", "v1");
  const temporary = join(dir, "tmp");
  const lockPath = join(dir, ".lock");
  const { command, lockTimeoutMs, now, onWait } = home;
  const about = { what: `the store "${dir}"`, command, now };
  await sweep(temporary, () => takeLock(lockPath, { ...about, mode: "exclusive", timeoutMs: 0 }));
  const lock = await takeLock(lockPath, {
    ...about,
    mode: "shared",
    timeoutMs: lockTimeoutMs,
    ...(onWait && { onWait }),
  });
  const indexPath = (digest: Digest): string => shard(join(dir, "index"), hexOf(digest), ".json");
  const archivePath = (digest: Digest): string => shard(join(dir, "sha256"), hexOf(digest), "");
  const objectPath = ({ sha256, executable }: StoredFile): string =>
    shard(join(dir, "files"), sha256, executable ? "x" : "");
  const find: Store["find"] = async (digest) => {
    const text = await readTextIfAny(indexPath(digest));
    const stored = text === undefined ? undefined : parseStored(text);
    return stored?.digest === digest ? stored : undefined;
  };
  return {
    find,
    archivePath,
    objectPath,
    async makeFolder() {
      const folder = join(temporary, randomBytes(8).toString("hex"));
      await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
        throw fileFailed("make", folder, cause);
      });
      return folder;
    },
    async add(archive, expected) {
      try {
        const unpacked = await unpackArchive(archive, dirname(archive), expected);
        const moves = movesOf(unpacked, objectPath);
        moves.set(archivePath(expected.digest), { from: archive, mode: 0o444 });
        await moveIn(moves);
        await writeFileAtomic(indexPath(expected.digest), serializeStored(unpacked.stored));
        return unpacked.stored;
      } catch (error) {
        throw error instanceof LandError ? error : fileFailed("write to the store", dir, error);
      }
    },
    async forget(digest) {
      const stored = await find(digest);
      await rm(indexPath(digest), { force: true });
      for (const file of stored?.files ?? []) {
        const path = objectPath(file);
        if (sizeOf(path) !== file.sizeBytes) await rm(path, { force: true });
      }
    },
    close: () => lock.release(),
  };
}

type Move = { from: string; mode: number };

/** What of a package is not in the store yet: target → where it lies now. Equal files move once. */
function movesOf(
  { stored, contents }: Unpacked,
  objectPath: Store["objectPath"],
): Map<string, Move> {
  const moves = new Map<string, Move>();
  for (const [at, file] of stored.files.entries()) {
    const from = contents[at];
    const target = objectPath(file);
    if (from === undefined || moves.has(target) || sizeOf(target) === file.sizeBytes) continue;
    moves.set(target, { from, mode: file.executable ? 0o555 : 0o444 });
  }
  return moves;
}

/** Contents reach the disk before any of them gets its name, and all names before this returns. */
async function moveIn(moves: Map<string, Move>): Promise<void> {
  await inParallel([...moves.values()], SYNCS_AT_ONCE, async ({ from }) => {
    const handle = await open(from, "r+");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
  const folders = new Set<string>();
  for (const [target, { from, mode }] of moves) {
    const folder = dirname(target);
    if (!folders.has(folder) && !existsSync(folder)) {
      await mkdir(folder, { recursive: true });
      folders.add(dirname(folder));
    }
    folders.add(folder);
    chmodSync(from, mode);
    renameSync(from, target);
  }
  await inParallel([...folders], SYNCS_AT_ONCE, syncFolder);
}

/** Removes what killed processes left, if this process is alone with the store. */
async function sweep(folder: string, lockAlone: () => Promise<{ release: () => void }>) {
  const leavings = await readdir(folder).catch(() => []);
  if (leavings.length === 0) return;
  try {
    const alone = await lockAlone();
    try {
      await rm(folder, { recursive: true, force: true });
    } finally {
      alone.release();
    }
  } catch (error) {
    if (!(error instanceof LandError) || error.code !== "lock_busy") throw error;
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

function shard(dir: string, hex: string, ending: string): string {
  return `${dir}/${hex.slice(0, 2)}/${hex}${ending}`;
}
