import { and, between, eq, sql } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";

import { DAY_HOURS, dayOfHour, dayText, hourOf, hourText } from "./calendar.ts";
import type { Traffic } from "./model.ts";
import { type ItemKind, trafficHours } from "./tables.ts";

/** Days that one answer tells of, at most. */
const MAX_DAYS = 400;
/** Hours that are told one by one. */
const HOURS = 2 * DAY_HOURS;
/** Items of each kind that are told. */
const MAX_ITEMS = 50;

type Counts = Traffic["total"];
type ItemRow = { kind: ItemKind; item: string; count: number; bytes: number };

const { siteId, hour, requests, pages, visitors, bytes, bots } = trafficHours;

/**
 * The traffic of a site in the last `days` days in UTC, today included, without gaps. A visitor counts once on each day. Whether
 * somebody may see it is the caller's question.
 *
 * @throws invalid_input
 */
export async function readTraffic(ctx: Ctx, site: number, days: number): Promise<Traffic> {
  const { from, to } = spanOf(ctx, days);
  const series = await readDays(ctx, site, { from, to });
  const items = await readItems(ctx, site, { from, to });
  const of = (kind: ItemKind): Traffic["paths"] =>
    items
      .filter((row) => row.kind === kind)
      .map(({ item, count, bytes: sum }) => ({ item, count, bytes: sum }));
  return {
    from: dayText(from),
    to: dayText(to),
    total: series.reduce<Counts>((sum, counts) => addCounts(sum, counts), nothing()),
    days: series,
    hours: await readHours(ctx, site),
    paths: of("path"),
    referrers: of("referrer"),
    statuses: of("status"),
    countries: of("country"),
  };
}

/** The days since 1970 that `days` days until today are, both included, as far as they are kept. @throws invalid_input */
export function spanOf(ctx: Ctx, days: number): { from: number; to: number } {
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS)
    throw fail("invalid_input", { field: "days", problem: `use 1 to ${MAX_DAYS}` });
  const to = dayOfHour(hourOf(ctx.now()));
  return { from: to - Math.min(days, ctx.config["traffic.days"]) + 1, to };
}

async function readDays(
  ctx: Ctx,
  site: number,
  { from, to }: { from: number; to: number },
): Promise<Traffic["days"]> {
  const day = sql<number>`${hour} / ${sql.raw(String(DAY_HOURS))}`;
  const rows = await ctx.db.read
    .select({
      day,
      requests: sumOf(requests),
      pages: sumOf(pages),
      visitors: sumOf(visitors),
      bytes: sumOf(bytes),
      bots: sumOf(bots),
    })
    .from(trafficHours)
    .where(and(eq(siteId, site), between(hour, from * DAY_HOURS, (to + 1) * DAY_HOURS - 1)))
    .groupBy(day);
  const known = new Map(rows.map((row) => [row.day, row]));
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    ...nothing(),
    ...known.get(from + at),
    day: dayText(from + at),
  }));
}

async function readHours(ctx: Ctx, site: number): Promise<Traffic["hours"]> {
  const last = hourOf(ctx.now());
  const first = last - HOURS + 1;
  const rows = await ctx.db.read
    .select({ hour, requests, pages, visitors, bytes, bots })
    .from(trafficHours)
    .where(and(eq(siteId, site), between(hour, first, last)));
  const known = new Map(rows.map((row) => [row.hour, row]));
  return Array.from({ length: HOURS }, (_, at) => ({
    ...nothing(),
    ...known.get(first + at),
    hour: hourText(first + at),
  }));
}

/** The most frequent of each kind. A year of a busy site is many rows: not on the thread that answers. */
function readItems(
  ctx: Ctx,
  site: number,
  { from, to }: { from: number; to: number },
): Promise<ItemRow[]> {
  return ctx.db.search<ItemRow>(
    `SELECT kind, item, count, bytes FROM (
       SELECT *, row_number() OVER (PARTITION BY kind ORDER BY count DESC, item) AS place FROM (
         SELECT kind, item, sum(count) AS count, sum(bytes) AS bytes FROM traffic_items
         WHERE site_id = ? AND day BETWEEN ? AND ? GROUP BY kind, item))
     WHERE place <= ? ORDER BY kind, place`,
    [site, from, to, MAX_ITEMS],
  );
}

function sumOf(
  column: typeof requests | typeof pages | typeof visitors | typeof bytes | typeof bots,
) {
  return sql<number>`sum(${column})`;
}

function nothing(): Counts {
  return { requests: 0, pages: 0, visitors: 0, bytes: 0, bots: 0 };
}

function addCounts(sum: Counts, more: Counts): Counts {
  return {
    requests: sum.requests + more.requests,
    pages: sum.pages + more.pages,
    visitors: sum.visitors + more.visitors,
    bytes: sum.bytes + more.bytes,
    bots: sum.bots + more.bots,
  };
}
