import { and, asc, eq, gt } from "drizzle-orm";

import { type DeployId, type Digest, parseDigest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { deployFiles } from "./tables.ts";

/** A file of a deploy. */
export type ManifestFile = { digest: Digest; sizeBytes: number };

/** The files of a deploy by path, packed: some 50 bytes a file beside its path. */
export type Manifest = {
  readonly count: number;
  /** What it takes in memory, about. */
  readonly weightBytes: number;
  has: (path: string) => boolean;
  find: (path: string) => ManifestFile | undefined | Promise<ManifestFile | undefined>;
};

const DIGEST_BYTES = 32;
/** Rows read at once, between which others get their turn. */
const PAGE = 2000;

/** Reads the manifest of a deploy that is ready; it never changes. */
export async function loadManifest(
  ctx: Ctx,
  deploy: DeployId,
  fileCount: number,
): Promise<Manifest> {
  const places = new Map<string, number>();
  const digests = Buffer.alloc(fileCount * DIGEST_BYTES);
  const sizes = new Float64Array(fileCount);
  let weightBytes = 0;
  let after = "";
  while (places.size < fileCount) {
    const rows = await ctx.db.read
      .select({
        path: deployFiles.path,
        digest: deployFiles.digest,
        sizeBytes: deployFiles.sizeBytes,
      })
      .from(deployFiles)
      .where(and(eq(deployFiles.deployId, deploy), gt(deployFiles.path, after)))
      .orderBy(asc(deployFiles.path))
      .limit(Math.min(PAGE, fileCount - places.size));
    for (const { path, digest, sizeBytes } of rows) {
      const place = places.size;
      places.set(path, place);
      digests.write(digest.slice("sha256:".length), place * DIGEST_BYTES, "hex");
      sizes[place] = sizeBytes;
      weightBytes += 100 + path.length * 2;
      after = path;
    }
    // Fewer than it counts: retention took the deploy meanwhile. What is left of it is not served.
    if (rows.length === 0) return packed(new Map(), Buffer.alloc(0), new Float64Array(0), 0);
    if (places.size < fileCount) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return packed(places, digests, sizes, weightBytes);
}

function packed(
  places: ReadonlyMap<string, number>,
  digests: Buffer,
  sizes: Float64Array,
  weightBytes: number,
): Manifest {
  return {
    count: places.size,
    weightBytes,
    has: (path) => places.has(path),
    find(path) {
      const place = places.get(path);
      if (place === undefined) return undefined;
      const at = place * DIGEST_BYTES;
      return {
        digest: parseDigest(`sha256:${digests.toString("hex", at, at + DIGEST_BYTES)}`),
        sizeBytes: sizes[place] ?? 0,
      };
    },
  };
}
