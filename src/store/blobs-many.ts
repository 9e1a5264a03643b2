import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";

import { type Digest, parseDigest } from "#base/names.ts";

import { errorCode, fileFailed, syncFolder } from "./files.ts";

/** Where blobs lie. `staging` is on the same file system. */
export type BlobPlaces = {
  root: string;
  staging: string;
  pathOf: (digest: Digest) => string;
  now: () => Date;
};

/** Files that are written at the same time: the disk syncs many in the time of few. */
const AT_ONCE = 32;

/**
 * Keeps contents that are at hand, and answers their addresses in order; see `Blobs.putMany`. Each file is synced before it
 * gets its name, and each folder once after all of its names: 5,000 small files take about a second, one by one about seven.
 *
 * @throws file_failed
 */
export async function putMany(
  places: BlobPlaces,
  contents: readonly Uint8Array[],
): Promise<Digest[]> {
  const { root, pathOf } = places;
  const digests = contents.map((content) =>
    parseDigest(`sha256:${Bun.CryptoHasher.hash("sha256", content, "hex")}`),
  );
  const each = new Map(digests.map((digest, at) => [digest, contents[at] ?? new Uint8Array(0)]));
  const folders = [...new Set([...each.keys()].map((digest) => dirname(pathOf(digest))))];
  try {
    const made = await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })));
    await writeAll(places, each);
    await Promise.all(folders.map((folder) => syncFolder(folder)));
    if (made.some((folder) => folder !== undefined)) await syncFolder(join(root, "sha256"));
  } catch (cause) {
    throw fileFailed("keep", `${each.size} blobs`, cause);
  }
  return digests;
}

/** Sets the time of a file that is there. The sweep may take it at any moment before: then it is not there. */
export async function renew(path: string, at: Date): Promise<boolean> {
  try {
    await utimes(path, at, at);
    return true;
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return false;
    throw cause;
  }
}

/** All writers have ended when it does, so that nothing is written behind the caller's back. */
async function writeAll(
  places: BlobPlaces,
  contents: ReadonlyMap<Digest, Uint8Array>,
): Promise<void> {
  // The iterator is shared: each writer takes the next one that nobody took.
  const queue = contents.entries();
  let failure: { cause: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (const [digest, content] of queue) {
      if (failure) return;
      await write(places, digest, content).catch((cause: unknown) => (failure ??= { cause }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (failure) throw failure.cause;
}

/** Writes one content under its name, which survives power loss only once its folder is synced. */
async function write(
  { staging, pathOf, now }: BlobPlaces,
  digest: Digest,
  content: Uint8Array,
): Promise<void> {
  const path = pathOf(digest);
  if (await renew(path, now())) return;
  const temporary = join(staging, randomBytes(16).toString("hex"));
  try {
    const handle = await open(temporary, "wx", 0o644);
    try {
      await handle.writeFile(content);
      await handle.utimes(now(), now());
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cause;
  }
}
