import { and, eq, notExists, sum } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Db } from "#store/db.ts";

import { siteBlobs, uploads } from "../tables.ts";

/** What an account sent that no finished deploy holds, as it was counted last and with what came since. */
type Waiting = { bytes: number; countedAtMs: number };

const waiting = new WeakMap<Db, Map<number, Waiting>>();
/** How long a count is believed: what is finished or forgotten meanwhile gives its room back later. */
const BELIEVED_MS = 10_000;

/**
 * Takes room for bytes that an account sends. What it sent within the sweep's grace and no finished deploy holds lies on the
 * disk all the same, so it may be no more than all sites of the account together.
 *
 * @throws quota_exceeded
 */
export async function takeUploadRoom(ctx: Ctx, userId: number, sizeBytes: number): Promise<void> {
  const limit = ctx.config["sites.accountBytes"];
  const nowMs = ctx.now().getTime();
  const accounts = waiting.get(ctx.db) ?? new Map<number, Waiting>();
  waiting.set(ctx.db, accounts);
  let known = accounts.get(userId);
  if (!known || nowMs - known.countedAtMs > BELIEVED_MS) {
    known = { bytes: await countWaiting(ctx, userId), countedAtMs: nowMs };
    forgetOld(accounts, nowMs);
    // At the end again, so that they stay in the order of their counts.
    accounts.delete(userId);
    accounts.set(userId, known);
  }
  const needed = known.bytes + sizeBytes;
  if (needed > limit)
    throw fail("quota_exceeded", {
      what: "what the account sent today for deploys that are not finished",
      limit,
      needed,
      unit: "bytes",
    });
  known.bytes = needed;
}

/** Drops the counts that nobody believes any more, the oldest first. */
function forgetOld(accounts: Map<number, Waiting>, nowMs: number): void {
  for (const [userId, { countedAtMs }] of accounts) {
    if (nowMs - countedAtMs <= BELIEVED_MS) return;
    accounts.delete(userId);
  }
}

async function countWaiting({ db }: Ctx, userId: number): Promise<number> {
  const held = db.read
    .select({ digest: siteBlobs.digest })
    .from(siteBlobs)
    .where(eq(siteBlobs.digest, uploads.digest));
  // What the account sent itself and with a key lies there once.
  const waitingBlobs = db.read
    .selectDistinct({ digest: uploads.digest, sizeBytes: uploads.sizeBytes })
    .from(uploads)
    .where(and(eq(uploads.userId, userId), notExists(held)))
    .as("waiting_blobs");
  const [row] = await db.read.select({ bytes: sum(waitingBlobs.sizeBytes) }).from(waitingBlobs);
  return Number(row?.bytes ?? 0);
}
