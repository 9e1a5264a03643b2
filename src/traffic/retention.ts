import { and, asc, gt, inArray, lt } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";

import { DAY_HOURS, dayOfHour, hourOf } from "./calendar.ts";
import { siteIds, trafficHours, trafficItems, trafficSalts, trafficVisitors } from "./tables.ts";

/** Days for which a visitor's hash and its salt are kept, today included. */
const VISITOR_DAYS = 2;
/** Sites in one transaction. */
const BATCH = 100;

/** Removes counts older than `traffic.days`, and hashes of visitors and salts older than two days, for ever. */
export async function dropOldTraffic(ctx: Ctx): Promise<void> {
  const today = dayOfHour(hourOf(ctx.now()));
  const salted = today - VISITOR_DAYS + 1;
  const from = today - ctx.config["traffic.days"] + 1;
  const dead = await ctx.db.read
    .select({ day: trafficSalts.day })
    .from(trafficSalts)
    .where(lt(trafficSalts.day, salted));
  // Site by site, since that is how the tables are sorted.
  let after = 0;
  for (;;) {
    const sites = await ctx.db.read
      .select({ id: siteIds.id })
      .from(siteIds)
      .where(gt(siteIds.id, after))
      .orderBy(asc(siteIds.id))
      .limit(BATCH);
    const ids = sites.map(({ id }) => id);
    const last = ids.at(-1);
    if (last === undefined) break;
    after = last;
    await dropOf(ctx, ids, { from, days: dead.map(({ day }) => day) });
  }
  await ctx.db.transaction(async (tx) => {
    await tx.delete(trafficSalts).where(lt(trafficSalts.day, salted));
  });
}

async function dropOf(
  ctx: Ctx,
  ids: number[],
  { from, days }: { from: number; days: number[] },
): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    await tx
      .delete(trafficHours)
      .where(and(inArray(trafficHours.siteId, ids), lt(trafficHours.hour, from * DAY_HOURS)));
    await tx
      .delete(trafficItems)
      .where(and(inArray(trafficItems.siteId, ids), lt(trafficItems.day, from)));
    await tx
      .delete(trafficVisitors)
      .where(and(inArray(trafficVisitors.day, days), inArray(trafficVisitors.siteId, ids)));
  });
}
