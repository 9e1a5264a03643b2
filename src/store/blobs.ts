import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { BunFile } from "bun";

import { fail } from "#base/errors.ts";
import { type Digest, parseDigest } from "#base/names.ts";

import { putMany, renew } from "./blobs-many.ts";
import { createCachedReader } from "./cached-read.ts";
import { errorCode, fileFailed, syncFolder } from "./files.ts";

/** Bytes on disk that have no address yet. Exactly one of `commit` and `discard` ends it. */
export type Staged = {
  /** Where the bytes lie meanwhile, to be read. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
  /** Gives the bytes their address. When it resolves they survive power loss. Bytes that were there already get a new time. */
  commit: () => Promise<void>;
  /** Throws the bytes away. Does nothing after `commit`. */
  discard: () => Promise<void>;
};

/** Content-addressed bytes: the address is `sha256:<hex>` of the content. */
export type Blobs = {
  /** Writes a stream to disk while hashing it. @throws payload_too_large past `limitBytes`, file_failed */
  stage: (source: AsyncIterable<Uint8Array>, limitBytes: number) => Promise<Staged>;
  /**
   * Keeps contents that are at hand, and answers their addresses in order. When it resolves all survive power loss. Meant for
   * many small ones: they are written at the same time, and each folder is synced once. Where it throws, some may be kept.
   * @throws file_failed
   */
  putMany: (contents: readonly Uint8Array[]) => Promise<Digest[]>;
  /** The blob as a file to serve, or undefined. */
  find: (digest: Digest) => Promise<BunFile | undefined>;
  /** The bytes of a blob, or undefined. @throws file_failed */
  read: (digest: Digest) => Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** The bytes of a blob of that size, at most `MAX_CACHED_BYTES`; undefined where the disk would be waited for, or it is not there. */
  readNow: (digest: Digest, sizeBytes: number) => Uint8Array<ArrayBuffer> | undefined;
  has: (digest: Digest) => Promise<boolean>;
  /** The blob's size in bytes, or undefined where it is not there. */
  sizeOf: (digest: Digest) => Promise<number | undefined>;
  remove: (digest: Digest) => Promise<void>;
  /** Every blob with its size in bytes and the time somebody last put it. */
  list: () => AsyncGenerator<{ digest: Digest; sizeBytes: number; touchedAt: Date }>;
};

/** Blobs as files `<root>/sha256/ab/<hex>`, staged in `<root>/staging`. The caller holds the data folder's lock. */
export async function openBlobs(root: string, now: () => Date): Promise<Blobs> {
  const staging = join(root, "staging");
  // What a killed process left here was never acknowledged.
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  await mkdir(join(root, "sha256"), { recursive: true });
  const pathOf = (digest: Digest): string => {
    const hex = digest.slice("sha256:".length);
    return join(root, "sha256", hex.slice(0, 2), hex);
  };

  const readCached = createCachedReader();

  async function commit(from: string, digest: Digest): Promise<void> {
    const path = pathOf(digest);
    const folder = dirname(path);
    try {
      if (await renew(path, now())) {
        await rm(from, { force: true });
        return;
      }
      if (await mkdir(folder, { recursive: true })) await syncFolder(dirname(folder));
      await rename(from, path);
      await utimes(path, now(), now());
      await syncFolder(folder);
    } catch (cause) {
      throw fileFailed("keep", digest, cause);
    }
  }

  return {
    putMany: (contents) => putMany({ root, staging, pathOf, now }, contents),
    async stage(source, limitBytes) {
      const path = join(staging, randomBytes(16).toString("hex"));
      const { digest, sizeBytes } = await writeHashed(path, source, limitBytes);
      let ended = false;
      return {
        path,
        sizeBytes,
        digest,
        async commit() {
          await commit(path, digest);
          ended = true;
        },
        async discard() {
          if (!ended) await rm(path, { force: true });
          ended = true;
        },
      };
    },
    async find(digest) {
      const path = pathOf(digest);
      // Its own `exists` looks while everybody waits.
      return (await sizeOf(path)) === undefined ? undefined : Bun.file(path);
    },
    read: (digest) => readWhole(pathOf(digest), digest),
    readNow: (digest, sizeBytes) => readCached(pathOf(digest), sizeBytes),
    has: async (digest) => (await sizeOf(pathOf(digest))) !== undefined,
    sizeOf: (digest) => sizeOf(pathOf(digest)),
    async remove(digest) {
      await rm(pathOf(digest), { force: true });
    },
    list: () => listBlobs(join(root, "sha256")),
  };
}

async function readWhole(
  path: string,
  digest: Digest,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw fileFailed("read", digest, cause);
  }
}

async function writeHashed(
  path: string,
  source: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<{ digest: Digest; sizeBytes: number }> {
  const hash = new Bun.CryptoHasher("sha256");
  let sizeBytes = 0;
  try {
    const handle = await open(path, "wx", 0o644);
    try {
      for await (const chunk of source) {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > limitBytes) throw fail("payload_too_large", { limitBytes });
        hash.update(chunk);
        await onDisk(handle.writeFile(chunk));
      }
      await onDisk(handle.sync());
    } finally {
      await handle.close();
    }
  } catch (cause) {
    await rm(path, { force: true }).catch(() => undefined);
    throw cause;
  }
  return { digest: parseDigest(`sha256:${hash.digest("hex")}`), sizeBytes };
}

async function* listBlobs(folder: string): ReturnType<Blobs["list"]> {
  for (const shard of (await readdir(folder)).toSorted())
    for (const hex of (await readdir(join(folder, shard))).toSorted()) {
      const { size, mtime } = await stat(join(folder, shard, hex));
      yield { digest: parseDigest(`sha256:${hex}`), sizeBytes: size, touchedAt: mtime };
    }
}

/** Words a failure of the disk as such; a failure of the source passes as it is. */
async function onDisk(step: Promise<void>): Promise<void> {
  try {
    await step;
  } catch (cause) {
    throw fileFailed("store", "the upload", cause);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw cause;
  }
}
