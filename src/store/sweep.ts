import type { Digest } from "#base/names.ts";

import type { Ctx } from "./ctx.ts";
import type { Tx } from "./db.ts";

/** Tells which of some blobs a feature still needs. Asked inside the writer's transaction. */
export type Referencer = (tx: Tx, digests: readonly Digest[]) => Promise<ReadonlySet<Digest>>;

const HOUR_MS = 3_600_000;
/** Blobs decided in one transaction: writers wait that long. */
const BATCH = 100;

/**
 * Removes the blobs that nothing references and nobody put for `sweep.graceHours`.
 *
 * Each is decided and removed inside the writer's transaction. Whoever records a blob checks in its own transaction that
 * the bytes are there, so either that record is seen here, or the removal is seen there: never a row without bytes.
 */
export async function sweepBlobs(
  ctx: Ctx,
  referencers: readonly Referencer[],
): Promise<{ removed: number; freedBytes: number }> {
  const before = ctx.now().getTime() - ctx.config["sweep.graceHours"] * HOUR_MS;
  const swept = { removed: 0, freedBytes: 0 };
  let old: Digest[] = [];
  const decide = async (): Promise<void> => {
    const { removed, freedBytes } = await sweepBatch(ctx, referencers, old, before);
    swept.removed += removed;
    swept.freedBytes += freedBytes;
    old = [];
  };
  for await (const { digest, touchedAt } of ctx.blobs.list()) {
    if (touchedAt.getTime() <= before) old.push(digest);
    if (old.length === BATCH) await decide();
  }
  if (old.length > 0) await decide();
  return swept;
}

function sweepBatch(
  ctx: Ctx,
  referencers: readonly Referencer[],
  digests: readonly Digest[],
  before: number,
): Promise<{ removed: number; freedBytes: number }> {
  return ctx.db.transaction(async (tx) => {
    const needed = new Set<Digest>();
    for (const referencer of referencers)
      for (const digest of await referencer(tx, digests)) needed.add(digest);
    let [removed, freedBytes] = [0, 0];
    for (const digest of digests) {
      if (needed.has(digest)) continue;
      // Somebody may have put the same bytes again since they were listed.
      const file = await ctx.blobs.find(digest);
      if (!file || file.lastModified > before) continue;
      await ctx.blobs.remove(digest);
      removed += 1;
      freedBytes += file.size;
    }
    return { removed, freedBytes };
  });
}
