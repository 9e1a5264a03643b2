import { and, asc, eq, isNotNull, lte, sql } from "drizzle-orm";

import type { DeployId } from "#base/names.ts";
import type { Cron } from "#sites/model.ts";
import { nextTime } from "#sites/rules/crons.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { cronRuns, siteCrons, siteIds } from "../tables.ts";
import { dropRetries, insertRun, type RunRow } from "./runs.ts";

/** A schedule of a site. */
export type Schedule = { siteId: number } & Cron;
/** What is to run now: a due time, or one more attempt of a run. */
export type Due = Schedule & { dueAt: Date; attempt: number };

/** One key for a schedule. */
export function scheduleKey({ siteId, cron, timeZone }: Schedule): string {
  return `${siteId} ${timeZone} ${cron}`;
}

/**
 * Makes the due times of a site those of its live program: new schedules come next when they are due, those that stay keep
 * their time, those that are gone are forgotten, and so is what they had to make up for. `gone` is one more that is.
 */
export async function syncSchedules(
  ctx: Ctx,
  siteId: number,
  crons: readonly Cron[],
  gone?: Schedule,
): Promise<void> {
  const nowMs = ctx.now().getTime();
  await ctx.db.transaction(async (tx) => {
    const before = await tx.select().from(siteCrons).where(eq(siteCrons.siteId, siteId));
    const wanted = new Set(crons.map((cron) => scheduleKey({ siteId, ...cron })));
    for (const row of gone ? [...before, gone] : before) {
      if (wanted.has(scheduleKey(row))) continue;
      await tx.delete(siteCrons).where(ofSchedule(row));
      await dropRetries(tx, row);
    }
    const known = new Set(before.map((row) => scheduleKey(row)));
    // A site that is gone meanwhile has none.
    const isThere = await tx.select().from(siteIds).where(eq(siteIds.id, siteId));
    for (const cron of isThere.length === 0 ? [] : crons) {
      const nextMs = nextTime(cron, nowMs);
      if (known.has(scheduleKey({ siteId, ...cron })) || nextMs === undefined) continue;
      await tx.insert(siteCrons).values({ siteId, ...cron, nextAt: new Date(nextMs) });
    }
  });
}

/** Writes down that a run begins, and in the same transaction that its due time is taken; answers its id. */
export async function claimRun(
  ctx: Ctx,
  due: Due,
  deployId: DeployId,
  { kind }: { kind: "due" | "retry" | "manual" },
): Promise<number> {
  return ctx.db.transaction(async (tx) => {
    if (kind === "due") await moveOn(ctx, tx, due);
    // A later time makes up for what failed; an attempt takes the place of the one before.
    if (kind !== "manual") await dropRetries(tx, due);
    return insertRun(ctx, tx, { ...due, deployId });
  });
}

/** Lets a due time go by. */
export async function passBy(ctx: Ctx, due: Due): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    await moveOn(ctx, tx, due);
    await dropRetries(tx, due);
  });
}

/** Sets when a schedule is due after now. */
async function moveOn(ctx: Ctx, tx: Tx, due: Due): Promise<void> {
  const nextMs = nextTime(due, ctx.now().getTime());
  if (nextMs === undefined) await tx.delete(siteCrons).where(ofSchedule(due));
  else
    await tx
      .update(siteCrons)
      .set({ nextAt: new Date(nextMs) })
      .where(ofSchedule(due));
}

/** What is due. Times that were missed meanwhile are one, the earliest. */
export async function readDue(ctx: Ctx): Promise<{ due: Due[]; retries: RunRow[] }> {
  const now = ctx.now();
  const times = await ctx.db.read
    .select()
    .from(siteCrons)
    .where(lte(siteCrons.nextAt, now))
    .orderBy(asc(siteCrons.nextAt));
  const retries = await ctx.db.read
    .select()
    .from(cronRuns)
    .where(and(isNotNull(cronRuns.retryAt), lte(cronRuns.retryAt, now)))
    .orderBy(asc(cronRuns.retryAt));
  return {
    due: times.map(({ siteId, cron, timeZone, nextAt }) => ({
      siteId,
      cron,
      timeZone,
      dueAt: nextAt,
      attempt: 1,
    })),
    retries,
  };
}

/** When something is due next, in milliseconds since 1970. */
export async function readNextMs(ctx: Ctx): Promise<number | undefined> {
  const [time] = await ctx.db.read
    .select({ at: sql<number | null>`min(${siteCrons.nextAt})` })
    .from(siteCrons);
  const [retry] = await ctx.db.read
    .select({ at: sql<number | null>`min(${cronRuns.retryAt})` })
    .from(cronRuns)
    .where(isNotNull(cronRuns.retryAt));
  const times = [time?.at, retry?.at].filter((at) => typeof at === "number");
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The condition that a row is that of a schedule. */
function ofSchedule({ siteId, cron, timeZone }: Schedule) {
  return and(
    eq(siteCrons.siteId, siteId),
    eq(siteCrons.cron, cron),
    eq(siteCrons.timeZone, timeZone),
  );
}

/** Sites whose live program has schedules, or that had some. */
export async function sitesWithCrons(ctx: Ctx): Promise<number[]> {
  const rows = await ctx.db.search<{ id: number }>(
    `SELECT sites.id AS id FROM sites JOIN deploy_programs ON deploy_id = live_deploy WHERE crons <> '[]'
     UNION SELECT site_id FROM site_crons`,
    [],
  );
  return rows.map(({ id }) => id);
}
