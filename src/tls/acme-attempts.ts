import { eq, lt } from "drizzle-orm";

import { fail, type LandError } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";

import { acmeAttempts } from "./tables.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const KEEP_DAYS = 60;

/**
 * Refuses an attempt for a name whose last one failed too short a time ago: a minute, doubled with each failure, at most a day.
 * That is on disk, so restarts do not shorten it.
 *
 * @throws certificate_failed
 */
export async function requireAttempt(ctx: Ctx, name: string): Promise<void> {
  const [row] = await ctx.db.read.select().from(acmeAttempts).where(eq(acmeAttempts.name, name));
  if (!row || row.nextAt <= ctx.now()) return;
  const problem = `the last attempt failed (${row.problem}); the next one is due at ${row.nextAt.toISOString()}`;
  throw fail("certificate_failed", { name, problem });
}

/** Notes a failed attempt. Returns when the next one may be. */
export async function noteFailure(ctx: Ctx, name: string, error: LandError): Promise<Date> {
  const asked = Number(error.data?.["retryAfterSeconds"] ?? 0) * 1000;
  const told = error.data?.["problem"];
  const problem = typeof told === "string" ? told : error.message;
  return ctx.db.transaction(async (tx) => {
    const [row] = await tx.select().from(acmeAttempts).where(eq(acmeAttempts.name, name));
    const failures = (row?.failures ?? 0) + 1;
    const step = Math.min(MINUTE_MS * 2 ** Math.min(failures - 1, 20), DAY_MS);
    const lastAt = ctx.now();
    const nextAt = new Date(lastAt.getTime() + Math.max(step, Math.min(asked, 7 * DAY_MS)));
    const values = { name, failures, lastAt, nextAt, problem };
    await tx
      .insert(acmeAttempts)
      .values(values)
      .onConflictDoUpdate({ target: acmeAttempts.name, set: values });
    return nextAt;
  });
}

/** Forgets the failures of a name, which has its certificate now. */
export async function forgetFailures(ctx: Ctx, name: string): Promise<void> {
  await ctx.db.transaction((tx) => tx.delete(acmeAttempts).where(eq(acmeAttempts.name, name)));
}

/** Forgets names that nobody has tried for a long time. */
export async function forgetOldFailures(ctx: Ctx): Promise<void> {
  const before = new Date(ctx.now().getTime() - KEEP_DAYS * DAY_MS);
  await ctx.db.transaction((tx) => tx.delete(acmeAttempts).where(lt(acmeAttempts.lastAt, before)));
}
