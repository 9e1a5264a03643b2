import { sql } from "drizzle-orm";

import type { Digest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Db } from "#store/db.ts";

import type { Sender } from "../rights.ts";
import { uploads } from "../tables.ts";

type Row = typeof uploads.$inferInsert;

/** Uploads that wait for the next transaction, and when that one is done. */
type Next = { rows: Row[]; written: Promise<void> };
const waiting = new WeakMap<Db, Next>();

/** Rows of one INSERT, far below the most values that SQLite takes. */
const ROWS = 1000;

/**
 * Remembers that an account or one of its keys sent these blobs. When it resolves that is on disk. Uploads that end at the same time share a
 * transaction: each alone would wait for a sync of its own.
 */
export function recordUploads(
  ctx: Ctx,
  { userId, keyId }: Sender,
  blobs: readonly { digest: Digest; sizeBytes: number }[],
): Promise<void> {
  const at = ctx.now();
  const rows = blobs.map(({ digest, sizeBytes }) => ({
    userId,
    digest,
    keyId: keyId ?? "",
    sizeBytes,
    at,
  }));
  const next = waiting.get(ctx.db);
  if (next) {
    next.rows.push(...rows);
    return next.written;
  }
  const written = ctx.db.transaction(async (tx) => {
    // From here on others begin the next one.
    waiting.delete(ctx.db);
    const distinct = [
      ...new Map(rows.map((row) => [`${row.userId} ${row.digest} ${row.keyId}`, row])).values(),
    ];
    for (let from = 0; from < distinct.length; from += ROWS)
      await tx
        .insert(uploads)
        .values(distinct.slice(from, from + ROWS))
        .onConflictDoUpdate({
          target: [uploads.userId, uploads.digest, uploads.keyId],
          set: { at: sql`excluded.at` },
        });
  });
  waiting.set(ctx.db, { rows, written });
  // One that could not even begin must not stand in the way of the next.
  written.catch(() => {
    if (waiting.get(ctx.db)?.written === written) waiting.delete(ctx.db);
  });
  return written;
}
