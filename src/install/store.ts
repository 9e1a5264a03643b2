import { randomBytes } from "node:crypto";
import { readFileSync, statSync, utimesSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { LandError } from "#base/errors.ts";
import { fault } from "#base/faults.ts";
import type { Digest } from "#base/names.ts";
import type { Home } from "#remote/credentials.ts";
import { errorCode, fileFailed } from "#store/files.ts";
import { type Lock, takeLock } from "#store/lock.ts";

import {
  openQuickFiles,
  openQuickFolder,
  type QuickFiles,
  type QuickFolder,
} from "./quick-files.ts";
import { readBootId } from "./store-boot.ts";
import { dropDamaged } from "./store-check.ts";
import { type StorePlaces, storePlaces } from "./store-places.ts";
import type { StoreBesides } from "./store-thread.ts";
import { createWriter, type ObjectWriter } from "./store-write.ts";
import { parseStored, serializeStored, type StoredFile, type StoredPackage } from "./stored.ts";
import {
  type Content,
  type Expected,
  unpackArchive,
  type Unpacked,
  unpackWhole,
} from "./unpack.ts";

/**
 * `$LAND_HOME/store/v1`, shared by all projects: `sha256/` holds archives, `files/` each different file once, `index/`
 * what belongs to which package. What `find` gives is whole, also after a crash or power loss.
 */
export type Store = {
  /**
   * The package of that archive, if it is whole. Marks it as used, at most once a day. One that was written before the
   * machine was last started is compared with its checksums, once.
   */
  find: (digest: Digest) => Promise<StoredPackage | undefined>;
  /** Where the archive of that digest lies, whether or not it is there. */
  archivePath: (digest: Digest) => string;
  /** Where the content of a file lies. */
  objectPath: (file: StoredFile) => string;
  /** Its folder, where files can be worked on quickly. */
  quick: () => QuickFolder | undefined;
  /** An empty folder on the store's disk for a download; `add` may take its files, the caller removes it. */
  makeFolder: () => Promise<string>;
  /**
   * Takes a package in. `archive` has the expected checksum; a file of it lies at `archivePath`, or in a folder made by
   * `makeFolder` and is moved.
   *
   * @throws package_refused, file_failed
   */
  add: (archive: Content, expected: Expected) => Promise<StoredPackage>;
  /** What another thread of this process needs to add to it; undefined where what is added has to be brought to the disk. */
  besides: () => StoreBesides | undefined;
  /** Forgets what belongs to the package, and those of its objects that are not what they should be. */
  forget: (digest: Digest) => Promise<void>;
  /** Lets others prune. */
  close: () => void;
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** Whose store it is, and who is told while another process has it alone. */
export type StoreHome = Home & {
  onWait?: (holder: string) => void;
  /** Which start of the machine this is, where it is not to be asked. */
  bootId?: string;
  /** How files are worked on quickly, where that is not to be asked of the system; "not": not at all. */
  quickFiles?: QuickFiles | "not";
};

/**
 * Opens the store for use; while it is open nothing is pruned. Leavings of killed processes are swept where nobody else
 * has it open.
 *
 * @throws lock_busy, file_failed
 */
export async function openStore(home: StoreHome): Promise<Store> {
  const places = storePlaces(home.landHome);
  await sweep(places, home);
  const lock = await lockStore(home, "shared", home.lockTimeoutMs);
  return storeAt(places, home, lock);
}

/** Takes the lock of the store: shared to use it, exclusive to take away from it. @throws lock_busy, file_failed */
export async function lockStore(
  { landHome, command, now, onWait }: Omit<StoreHome, "lockTimeoutMs">,
  mode: "shared" | "exclusive",
  timeoutMs: number,
): Promise<Lock> {
  const { lock, dir } = storePlaces(landHome);
  const about = { what: `the store "${dir}"`, command, now, mode, timeoutMs };
  return takeLock(lock, { ...about, ...(onWait && { onWait }) });
}

/** The store under a lock that was taken before. */
export function storeAt(places: StorePlaces, home: StoreHome, lock: Lock): Store {
  const bootId = home.bootId ?? readBootId();
  // What is put where something was damaged or lost may belong to packages that were vouched for already.
  let careful = bootId === undefined;
  const quick = quickFolder(places, home);
  const known = new Set<string>();
  const find: Store["find"] = async (digest) => {
    const stored = readStored(places, digest);
    if (!stored) return undefined;
    if (stored.boot !== undefined && stored.boot !== bootId) {
      const checkedAt = momentAfter(home.now());
      if ((await dropDamaged(places, stored, "content")).length > 0) {
        careful = true;
        known.clear();
        return undefined;
      }
      const { boot: _, ...kept } = stored;
      writeIndex(createWriter(places.temporary, false), places, { ...kept, checkedAt });
    } else touch(places.indexPath(digest), home.now());
    return stored;
  };
  const makeFolder = (): Promise<string> => makeTemporary(places);
  return {
    find,
    archivePath: places.archivePath,
    objectPath: places.objectPath,
    quick: quick.open,
    makeFolder,
    add: (archive, expected) =>
      addPackage(places, archive, expected, () => ({
        boot: careful ? undefined : bootId,
        now: home.now,
        quick: quick.open(),
        known,
      })),
    besides: () =>
      careful || bootId === undefined
        ? undefined
        : { landHome: home.landHome, bootId, aheadMs: home.now().getTime() - Date.now() },
    async forget(digest) {
      careful = true;
      known.clear();
      const stored = readStored(places, digest);
      await rm(places.indexPath(digest), { force: true });
      if (stored) await dropDamaged(places, stored, "content");
    },
    close() {
      quick.close();
      lock.release();
    },
  };
}

/** How a package is put into the store; `boot` where nothing of it has to be brought to the disk. */
type Putting = Pick<Home, "now"> & {
  boot: string | undefined;
  quick: QuickFolder | undefined;
  /** What was put before. */
  known: Set<string>;
};

/** Unpacks a package and puts it into the store. `how` is asked once it is unpacked. */
async function addPackage(
  places: StorePlaces,
  archive: Content,
  expected: Expected,
  how: () => Putting,
): Promise<StoredPackage> {
  let folder: string | undefined;
  const spillInto = async (): Promise<string> => (folder = await makeTemporary(places));
  const put = (unpacked: Unpacked): Contained => putContents(places, unpacked, how());
  try {
    const whole = "bytes" in archive ? unpackWhole(archive.bytes, expected, put) : undefined;
    const contained = whole?.made ?? put(await unpackArchive(archive, spillInto, expected));
    return await putPackage(places, archive, contained);
  } catch (error) {
    throw error instanceof LandError ? error : fileFailed("write to the store", places.dir, error);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** The folder of the store, opened when it is first asked for. */
function quickFolder(
  { dir }: StorePlaces,
  { quickFiles }: Pick<StoreHome, "quickFiles">,
): { open: () => QuickFolder | undefined; close: () => void } {
  let opened: { folder: QuickFolder | undefined } | undefined;
  return {
    open() {
      const files = quickFiles === "not" ? undefined : (quickFiles ?? openQuickFiles());
      opened ??= { folder: openQuickFolder(dir, files) };
      return opened.folder;
    },
    close() {
      opened?.folder?.close();
      opened = { folder: undefined };
    },
  };
}

/** What the index says of a package; undefined where there is no index, or none that can be read. @throws file_failed */
export function readStored(places: StorePlaces, digest: Digest): StoredPackage | undefined {
  const path = places.indexPath(digest);
  try {
    const stored = parseStored(readFileSync(path, "utf8"));
    return stored?.digest === digest ? stored : undefined;
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw fileFailed("read", path, cause);
  }
}

/** A package whose contents are in the store. */
type Contained = { stored: StoredPackage; writer: ObjectWriter; putting: Putting };

function putContents(
  places: StorePlaces,
  { stored, contents }: Unpacked,
  putting: Putting,
): Contained {
  const { boot, quick, known } = putting;
  const writer = createWriter(places.temporary, boot === undefined, { quick, known });
  for (const [at, file] of stored.files.entries()) {
    const content = contents[at];
    if (content) writer.put(places.objectPath(file), content, file.executable ? 0o555 : 0o444);
  }
  return { stored, writer, putting };
}

/** The contents were first, then comes the archive, the index last: what has an index has all. */
async function putPackage(
  places: StorePlaces,
  archive: Content,
  { stored, writer, putting: { boot, now } }: Contained,
): Promise<StoredPackage> {
  fault("store.archive");
  const target = places.archivePath(stored.digest);
  if ("bytes" in archive || archive.path !== target) writer.put(target, archive, 0o444);
  await writer.settle();
  fault("store.index");
  const checkedAt = momentAfter(now());
  const indexed = { ...stored, ...(boot !== undefined && { boot }), checkedAt };
  writeIndex(writer, places, indexed);
  await writer.settle();
  fault("store.added");
  return { ...indexed, fresh: true };
}

/** Times of files have parts of a millisecond. */
function momentAfter(time: Date): number {
  return time.getTime() + 1;
}

function writeIndex(writer: ObjectWriter, places: StorePlaces, stored: StoredPackage): void {
  const bytes = new TextEncoder().encode(serializeStored(stored));
  writer.replace(places.indexPath(stored.digest), bytes, 0o644);
}

/** The time of an index file is when the package was last used. To lose it harms nobody. */
function touch(path: string, now: Date): void {
  try {
    if (now.getTime() - statSync(path).mtimeMs > DAY_MS) utimesSync(path, now, now);
  } catch {
    // A store that may only be read.
  }
}

async function makeTemporary({ temporary }: StorePlaces): Promise<string> {
  const folder = join(temporary, randomBytes(8).toString("hex"));
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw fileFailed("make", folder, cause);
  });
  return folder;
}

/** Removes what killed processes left, if this process is alone with the store. */
async function sweep({ temporary }: StorePlaces, home: StoreHome): Promise<void> {
  const leavings = await readdir(temporary).catch(() => []);
  if (leavings.length === 0) return;
  try {
    const alone = await lockStore(home, "exclusive", 0);
    try {
      await rm(temporary, { recursive: true, force: true });
    } finally {
      alone.release();
    }
  } catch (error) {
    if (!(error instanceof LandError) || error.code !== "lock_busy") throw error;
  }
}
