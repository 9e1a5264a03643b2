import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { fileFailed } from "#store/files.ts";

import { MAX_SECRET_BYTES, secretIn, secretName } from "./secrets.ts";
import { type Hashed, readSiteHashes, writeSiteHashes } from "./site-cache.ts";
import type { SiteFile, SiteSelection } from "./site-select.ts";

/** A file of a site with its checksum. */
export type HashedFile = SiteFile & Hashed;

/** How the hashing goes on. */
export type HashOptions = {
  now: () => Date;
  /** Folder for hashes of earlier runs; without one every file is read. */
  cache?: string;
  signal?: AbortSignal;
  /** Called as files are done. */
  onProgress?: (done: { files: number; bytes: number }) => void;
};

const AT_ONCE = 16;

/**
 * Hashes the files of a site and looks for secrets in them. Files that did not change since an earlier run are not read again.
 * Sizes are those of the bytes that were hashed.
 *
 * @throws file_failed, cancelled
 */
export async function hashSite(
  { dir, files }: SiteSelection,
  options: HashOptions,
): Promise<HashedFile[]> {
  const { cache, signal, onProgress, now } = options;
  const known = cache === undefined ? undefined : await readSiteHashes(cache, dir);
  const startedAt = now();
  const hashed: HashedFile[] = [];
  const done = { files: 0, bytes: 0 };
  let read = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < files.length; at = next++) {
      const file = files[at];
      if (!file) continue;
      if (signal?.aborted) throw fail("cancelled", {});
      const found = known?.find(file);
      if (!found) read += 1;
      hashed[at] = found ? { ...file, ...found } : await hashFile(dir, file);
      done.files += 1;
      done.bytes += file.sizeBytes;
      onProgress?.(done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (cache !== undefined && read > 0) await writeSiteHashes(cache, dir, hashed, startedAt);
  return hashed;
}

async function hashFile(dir: string, file: SiteFile): Promise<HashedFile> {
  const path = join(dir, file.onDisk);
  try {
    if (file.sizeBytes > MAX_SECRET_BYTES) return await hashLarge(path, file);
    const bytes = Buffer.from(await Bun.file(path).arrayBuffer());
    return {
      ...file,
      sizeBytes: bytes.length,
      sha256: Bun.SHA256.hash(bytes, "hex"),
      secret: secretName(file.path) ?? secretIn(bytes.toString("latin1")),
    };
  } catch (cause) {
    throw fileFailed("read", path, cause);
  }
}

async function hashLarge(path: string, file: SiteFile): Promise<HashedFile> {
  const hasher = new Bun.CryptoHasher("sha256");
  let sizeBytes = 0;
  for await (const piece of Bun.file(path).stream()) {
    hasher.update(piece);
    sizeBytes += piece.byteLength;
  }
  return { ...file, sizeBytes, sha256: hasher.digest("hex"), secret: secretName(file.path) };
}
