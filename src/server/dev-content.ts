import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";

import { type Digest, parseDigest } from "#base/names.ts";
import { hashSite } from "#pack/site-hash.ts";
import type { SiteFile } from "#pack/site-select.ts";
import { RACY_MS, type Stamp, stampOf } from "#pack/site-stamp.ts";
import { contentTypeOf } from "#sites/rules/types.ts";
import { createCache } from "#sites/serving/cache.ts";
import type { ManifestFile } from "#sites/serving/load-manifest.ts";
import { errorCode, fileFailed } from "#store/files.ts";

import { withScript } from "./dev-reload.ts";

/** Digests and bytes of files that may change at any time. */
export type Content = {
  /**
   * What a file holds right now, pages with the script; undefined where it is gone or became something else. One that cannot be
   * read holds what it held before.
   *
   * @throws file_failed where nothing is known of it either
   */
  read: (dir: string, file: Pick<SiteFile, "path" | "onDisk">) => Promise<ManifestFile | undefined>;
  /** The bytes of what `read` told last. */
  find: (digest: Digest) => Promise<Blob | undefined>;
};

type Known = { stamp: string; settled: boolean; file: ManifestFile };

/** Larger files are read from disk as they are. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;
const MAX_ALL_BYTES = 64 * 1024 * 1024;

/** Makes it, knowing nothing. `onTrouble` is told of files that cannot be read. */
export function createContent(now: () => Date, onTrouble: (error: Error) => void): Content {
  const known = new Map<string, Known>();
  const held = createCache<Blob>(MAX_ALL_BYTES);
  const large = new Map<Digest, string>();

  const isHeld = ({ file: { digest } }: Known): boolean =>
    held.get(digest) !== undefined || large.has(digest);

  async function readFresh(
    path: string,
    { dir, file }: { dir: string; file: Pick<SiteFile, "path" | "onDisk"> },
    about: Stamp,
  ): Promise<ManifestFile> {
    if (about.sizeBytes > MAX_HELD_BYTES) {
      const [hashed] = await hashSite(
        { dir, files: [{ ...file, ...about }], folders: [], program: undefined },
        { now },
      );
      const { sha256 = "", sizeBytes = 0 } = hashed ?? {};
      const digest = parseDigest(`sha256:${sha256}`);
      large.set(digest, path);
      return { digest, sizeBytes };
    }
    const plain = Buffer.from(await Bun.file(path).arrayBuffer());
    const bytes = contentTypeOf(file.path).startsWith("text/html") ? withScript(plain) : plain;
    const digest = parseDigest(`sha256:${Bun.SHA256.hash(bytes, "hex")}`);
    held.put(digest, new Blob([new Uint8Array(bytes)]), bytes.length);
    return { digest, sizeBytes: bytes.length };
  }

  return {
    async read(dir, file) {
      const path = join(dir, file.onDisk);
      const found = await look(path);
      if (!found) return undefined;
      const before = known.get(path);
      if (before?.settled && before.stamp === found.stamp && isHeld(before)) return before.file;
      const readAtMs = now().getTime();
      try {
        const fresh = await readFresh(path, { dir, file }, found);
        const settled = found.changedAtMs < readAtMs - RACY_MS;
        known.set(path, { stamp: found.stamp, settled, file: fresh });
        return fresh;
      } catch (cause) {
        if (errorCode(cause) === "ENOENT") return undefined;
        const error = fileFailed("read", path, cause);
        if (!before || !isHeld(before)) throw error;
        onTrouble(error);
        return before.file;
      }
    },
    async find(digest) {
      const path = large.get(digest);
      return held.get(digest) ?? (path === undefined ? undefined : Bun.file(path));
    },
  };
}

/** Size and times of a plain file that is reached through no link; undefined where there is none. */
async function look(path: string): Promise<Stamp | undefined> {
  try {
    if ((await realpath(path)) !== path) return undefined;
    const found = await lstat(path, { bigint: true });
    if (!found.isFile()) return undefined;
    return stampOf(found);
  } catch (cause) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errorCode(cause) ?? "")) return undefined;
    throw fileFailed("read", path, cause);
  }
}
