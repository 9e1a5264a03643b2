import { and, eq, exists, inArray } from "drizzle-orm";

import type { Digest } from "#base/names.ts";
import type { Tx } from "#store/db.ts";

import { deployFiles, deploys, siteBlobs, variants } from "../tables.ts";
import { UPLOADING } from "./deploy-rows.ts";

/**
 * Which of these blobs sites need: files of finished deploys, files of unfinished ones, and what was made from a file in a
 * content coding. At most some hundred at a time.
 */
export async function siteDigests(
  tx: Tx,
  digests: readonly Digest[],
): Promise<ReadonlySet<Digest>> {
  const finished = await tx
    .selectDistinct({ digest: siteBlobs.digest })
    .from(siteBlobs)
    .where(inArray(siteBlobs.digest, [...digests]));
  const needed = new Set(finished.map(({ digest }) => digest));
  for (const find of [findVariants, findUnfinished]) {
    const open = digests.filter((digest) => !needed.has(digest));
    if (open.length === 0) break;
    for (const digest of await find(tx, open)) needed.add(digest);
  }
  return needed;
}

async function findVariants(tx: Tx, digests: Digest[]): Promise<Digest[]> {
  const source = tx
    .select({ digest: siteBlobs.digest })
    .from(siteBlobs)
    .where(eq(siteBlobs.digest, variants.digest));
  const rows = await tx
    .selectDistinct({ digest: variants.variant })
    .from(variants)
    .where(and(inArray(variants.variant, digests), exists(source)));
  return rows.map(({ digest }) => digest).filter((digest) => digest !== null);
}

/** One look-up for each digest and unfinished deploy: both are in the index of digests. */
async function findUnfinished(tx: Tx, digests: Digest[]): Promise<Digest[]> {
  const rows = await tx
    .selectDistinct({ digest: deployFiles.digest })
    .from(deploys)
    .innerJoin(deployFiles, eq(deployFiles.deployId, deploys.id))
    .where(and(UPLOADING, inArray(deployFiles.digest, digests)));
  return rows.map(({ digest }) => digest);
}
