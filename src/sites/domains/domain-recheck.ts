import { and, asc, eq, getTableColumns, gt, lte, ne, or, sql } from "drizzle-orm";

import { createTurns } from "#base/turns.ts";
import type { Ctx } from "#store/ctx.ts";

import { domains } from "../tables.ts";
import { checkProof } from "./domain-proof.ts";
import { applyCheck, type Outcome } from "./domain-state.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** How long a new claim is tried without being asked for. */
const PENDING_DAYS = 7;
const AT_ONCE = 8;
const MAX_PER_RUN = 1000;
/** Of one account: names that never answer take 15 seconds each, and the others wait for no more than these. */
const ACCOUNT_AT_ONCE = 2;
const ACCOUNT_PER_RUN = 40;

/**
 * Checks the proofs that are due, of what is served before claims, of each account only some at a time: served ones every `domains.recheckHours`, failing ones every hour,
 * and new claims in growing steps for 7 days. To be run about every minute; a run costs one query where nothing is due.
 */
export async function recheckDomains(ctx: Ctx): Promise<Record<Outcome, number>> {
  const rows = await findDue(ctx);
  const ofAccount = createTurns(ACCOUNT_AT_ONCE);
  const ofAll = createTurns(AT_ONCE);
  const counts: Record<Outcome, number> = { proven: 0, taken: 0, unproven: 0, removed: 0 };
  await Promise.all(
    rows.map((row) =>
      ofAccount(String(row.userId), () =>
        ofAll("", async () => {
          counts[await applyCheck(ctx, row, await checkProof(ctx, row))] += 1;
        }),
      ),
    ),
  );
  return counts;
}

function findDue(ctx: Ctx) {
  const now = ctx.now();
  const before = (ms: number) => new Date(now.getTime() - ms);
  const { state, checkedAt, createdAt } = domains;
  // A claim waits as long again as it was old at its last check: after 2, 4, 8 … minutes, at most 6 hours. Not sooner: asked for
  // before it is set, a record is remembered by DNS servers as missing.
  const last = sql`coalesce(${checkedAt}, ${createdAt})`;
  const step = sql`min(max(${last} - ${createdAt}, ${2 * MINUTE_MS}), ${6 * HOUR_MS})`;
  const due = or(
    and(ne(state, "pending"), lte(checkedAt, before(ctx.config["domains.recheckHours"] * HOUR_MS))),
    and(eq(state, "failing"), lte(checkedAt, before(HOUR_MS))),
    and(
      eq(state, "pending"),
      gt(createdAt, before(PENDING_DAYS * DAY_MS)),
      sql`${last} + ${step} <= ${now.getTime()}`,
    ),
  );
  const order = sql`${state} = 'pending', ${checkedAt}`;
  const place = sql<number>`row_number() OVER (PARTITION BY ${domains.userId} ORDER BY ${order})`;
  const ranked = ctx.db.read
    .select({ ...getTableColumns(domains), place: place.as("place") })
    .from(domains)
    .where(due)
    .as("ranked");
  return ctx.db.read
    .select()
    .from(ranked)
    .where(lte(ranked.place, ACCOUNT_PER_RUN))
    .orderBy(sql`${ranked.state} = 'pending'`, asc(ranked.checkedAt))
    .limit(MAX_PER_RUN);
}
