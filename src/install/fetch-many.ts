import { existsSync } from "node:fs";

import { fail } from "#base/errors.ts";
import type { Digest } from "#base/names.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import type { SentArchive } from "#remote/download-many.ts";

import { ensureStored } from "./fetch.ts";
import type { LockedPackage } from "./lockfile.ts";
import { downloadShares, type Metadata } from "./metadata.ts";
import type { InstallOptions } from "./options.ts";
import { inParallel } from "./parallel.ts";
import { createReceiver, giveBack, type Received } from "./receive.ts";
import type { StoreThread } from "./store-thread.ts";
import type { Store } from "./store.ts";
import type { StoredPackage } from "./stored.ts";
import type { Content } from "./unpack.ts";

/** Archives from this size on are fetched singly, which can be resumed, in bytes. */
const LARGE_BYTES = 1_000_000;
/** Streams of many archives at a time, of each registry. */
const STREAMS = 3;
/** How many archives make one more stream worth while. */
const PER_STREAM = 16;

/** Packages that are fetched. */
type Fetching = {
  options: InstallOptions;
  store: Store;
  metadata: Metadata;
  /** By digest what is in the store. */
  stored: Map<Digest, StoredPackage>;
  /** What went wrong first: nothing new is begun then. */
  failures: unknown[];
  /** Who does the half of it, where there is much to unpack, and what is under way there. */
  thread: StoreThread | undefined;
  underWay: Promise<void>[];
};

/**
 * All these packages in the store, in the same order: as they are there, else downloaded, many in one stream where the registry
 * can. A thread unpacks with this one. Fails as `ensureStored` does.
 */
export async function ensureAllStored(
  options: InstallOptions,
  store: Store,
  wanted: readonly LockedPackage[],
  metadata: Metadata,
  thread?: StoreThread,
): Promise<StoredPackage[]> {
  const fetching: Fetching = {
    options,
    store,
    metadata,
    stored: new Map(),
    failures: [],
    thread: undefined,
    underWay: [],
  };
  const missing: LockedPackage[] = [];
  for (const locked of wanted) {
    const known = await store.find(locked.digest);
    if (known && known.name === locked.name && known.version === locked.version)
      fetching.stored.set(locked.digest, known);
    else missing.push(locked);
  }
  const streams = streamsOf(fetching, missing);
  const inStreams = new Set(streams.flat());
  // What was found lost or damaged by now asks for more care than a thread takes.
  if (store.besides()) fetching.thread = thread;
  const inStream = async (): Promise<void> => {
    const left = await Promise.all(streams.map((stream) => fetchStream(fetching, stream)));
    await fetchSingly(fetching, left.flat());
    await Promise.all(fetching.underWay);
  };
  const singly = missing.filter((locked) => !inStreams.has(locked));
  await Promise.all([fetchSingly(fetching, singly), inStream()]);
  if (fetching.failures.length > 0) throw fetching.failures[0];
  const all: StoredPackage[] = [];
  for (const locked of wanted)
    all.push(fetching.stored.get(locked.digest) ?? (await ensureStored(options, store, locked)));
  return all;
}

/** What is worth a common stream, small ones first: not what is here, is large, needs a second checksum, or is alone. */
function streamsOf(
  { options, store, metadata }: Fetching,
  missing: readonly LockedPackage[],
): LockedPackage[][] {
  if (options.offline || options.security.checksum !== "sha256") return [];
  const sizeOf = (locked: LockedPackage): number => metadata.knownSize(locked) ?? 0;
  const isTrusted = ({ registry }: LockedPackage): boolean =>
    registry === options.registry || options.configured.includes(registry);
  const worth = missing
    .filter((locked) => isTrusted(locked) && sizeOf(locked) < LARGE_BYTES)
    .filter(({ digest }) => !existsSync(store.archivePath(digest)))
    .toSorted((a, b) => sizeOf(a) - sizeOf(b));
  return [...Map.groupBy(worth, ({ registry }) => registry).values()].flatMap((group) => {
    const count = Math.min(STREAMS, options.concurrency, Math.ceil(group.length / PER_STREAM));
    const streams = Array.from({ length: count }, (): LockedPackage[] => []);
    for (const [at, locked] of group.entries()) streams[at % count]?.push(locked);
    return streams.filter(({ length }) => length > 1);
  });
}

/** Fetches those in one stream that come so; gives the others. Failures are noted. */
async function fetchStream(
  fetching: Fetching,
  stream: readonly LockedPackage[],
): Promise<LockedPackage[]> {
  const { options, metadata, failures } = fetching;
  const byDigest = new Map(stream.map((locked) => [locked.digest, locked]));
  const limitOf = (locked: LockedPackage): number =>
    metadata.knownSize(locked) ?? DEFAULT_LIMITS.packedBytes;
  const limits = new Map(stream.map((locked) => [locked.digest, limitOf(locked)]));
  const [first] = stream;
  if (!first) return [];
  try {
    const remote = await options.remoteFor(first.registry);
    const { left } = await remote.downloadMany(limits, async (archive) => {
      if (failures.length > 0) throw failures[0];
      const locked = byDigest.get(archive.digest);
      if (locked) await takeOne(fetching, locked, archive);
    });
    return left.flatMap((digest) => byDigest.get(digest) ?? []);
  } catch (error) {
    failures.push(error);
    return [];
  }
}

async function takeOne(
  fetching: Fetching,
  locked: LockedPackage,
  { sizeBytes, pieces }: SentArchive,
): Promise<void> {
  const { options, store, thread, underWay } = fetching;
  const { name, version } = locked;
  const receiver = createReceiver(store, sizeBytes);
  let receivedBytes = 0;
  try {
    for await (const piece of pieces) {
      await receiver.take(piece);
      receivedBytes += piece.byteLength;
      const about = { kind: "download", name, version } as const;
      options.onEvent?.({ ...about, receivedBytes, totalBytes: sizeBytes });
    }
    const received = await receiver.finish();
    if (thread?.isFree() && "bytes" in received.archive)
      underWay.push(storeBesides(fetching, thread, locked, received.archive.bytes));
    else await storeHere(fetching, locked, received);
  } finally {
    await receiver.close();
  }
}

/** The archive that the lock names, byte for byte. @throws checksum_mismatch */
function verified({ archive, digest }: Received, locked: LockedPackage): Content {
  const hash = "bytes" in archive ? Bun.SHA256.hash(archive.bytes, "hex") : "";
  const actual = digest ?? `sha256:${hash}`;
  const what = `the archive of "${locked.name}@${locked.version}"`;
  if (actual === locked.digest) return archive;
  throw fail("checksum_mismatch", { what, expected: locked.digest, actual });
}

/** Verifies it and takes it in, and gives its memory back. */
async function storeHere(
  fetching: Fetching,
  locked: LockedPackage,
  received: Received,
): Promise<void> {
  note(fetching, locked, await fetching.store.add(verified(received, locked), locked));
}

/** Has the thread verify it and take it in. Failures are noted. */
async function storeBesides(
  fetching: Fetching,
  thread: StoreThread,
  locked: LockedPackage,
  given: Uint8Array<ArrayBuffer>,
): Promise<void> {
  try {
    const { stored, bytes } = await thread.add(given, locked);
    if (stored) note(fetching, locked, stored);
    // What did not go well there is done here, which tells why. What was lost with the thread is fetched again in the end.
    else if (bytes) await storeHere(fetching, locked, { archive: { bytes }, digest: undefined });
    if (bytes) giveBack(bytes);
  } catch (error) {
    fetching.failures.push(error);
  }
}

function note(
  { options, stored }: Fetching,
  { digest, name, version }: LockedPackage,
  added: StoredPackage,
): void {
  stored.set(digest, added);
  options.onEvent?.({ kind: "stored", name, version });
  collect(added);
}

/** After so many packed bytes what is left of them is collected. */
const COLLECT_BYTES = 16_000_000;
const since = { bytes: 0 };

function collect({ packedBytes }: StoredPackage): void {
  since.bytes += packedBytes;
  if (since.bytes < COLLECT_BYTES) return;
  since.bytes = 0;
  Bun.gc(true);
}

/** Fetches each by itself. Failures are noted. */
async function fetchSingly(fetching: Fetching, packages: readonly LockedPackage[]): Promise<void> {
  const { options, metadata, stored, failures } = fetching;
  if (packages.length === 0 || failures.length > 0) return;
  const work = async (locked: LockedPackage): Promise<void> => {
    if (failures.length > 0) throw failures[0];
    const sizeBytes = metadata.knownSize(locked);
    const added = await ensureStored(options, sharedStore(fetching, locked), locked, sizeBytes);
    stored.set(locked.digest, added);
    collect(added);
  };
  await inParallel(packages, options.concurrency, work, downloadShares(metadata)).catch(
    (error: unknown) => void failures.push(error),
  );
}

/** The store, which has the thread take a package in where that has less to do. */
function sharedStore({ options, store, metadata, thread }: Fetching, locked: LockedPackage): Store {
  const add: Store["add"] = async (archive, expected) => {
    if (!thread?.isFree() || !("bytes" in archive)) return store.add(archive, expected);
    const { bytes } = archive;
    const { buffer, byteOffset, byteLength } = bytes;
    // What was read from a file may lie in memory that others have a part in.
    const isOwn = buffer instanceof ArrayBuffer && !Buffer.isBuffer(bytes);
    const given = isOwn ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(bytes);
    const reply = await thread.add(given, expected);
    if (reply.bytes && !reply.stored) return store.add({ bytes: reply.bytes }, expected);
    if (reply.bytes) giveBack(reply.bytes);
    return reply.stored ?? ensureStored(options, store, locked, metadata.knownSize(locked));
  };
  return { ...store, add };
}
