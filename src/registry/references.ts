import { inArray } from "drizzle-orm";

import type { Digest } from "#base/names.ts";
import type { Tx } from "#store/db.ts";

import { versions } from "./tables.ts";

/** Which of these blobs are archives of versions. At most some hundred at a time. */
export async function referencedDigests(
  tx: Tx,
  digests: readonly Digest[],
): Promise<ReadonlySet<Digest>> {
  const rows = await tx
    .select({ digest: versions.digest })
    .from(versions)
    .where(inArray(versions.digest, [...digests]));
  return new Set(rows.map(({ digest }) => digest));
}
