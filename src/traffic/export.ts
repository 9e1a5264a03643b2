import { and, asc, between, eq } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";

import { DAY_HOURS, dayText, hourText } from "./calendar.ts";
import { spanOf } from "./series.ts";
import { trafficHours, trafficItems } from "./tables.ts";

/** How an export is written. */
export type ExportFormat = "csv" | "ndjson";

/** The columns, in order. `kind` is `hour` for the counts of one hour, else what `item` is; what does not apply is empty. */
const COLUMNS = [
  "day",
  "hour",
  "kind",
  "item",
  "requests",
  "pages",
  "visitors",
  "bytes",
  "bots",
] as const;

type Row = Record<(typeof COLUMNS)[number], string | number | null>;

/**
 * All counts of a site in the last `days` days, oldest first, as a file that is read from the database day by day while it
 * is sent. Hours and items without counts are left out.
 *
 * @throws invalid_input
 */
export function exportTraffic(
  ctx: Ctx,
  siteId: number,
  days: number,
  format: ExportFormat,
): ReadableStream<Uint8Array> {
  const { from, to } = spanOf(ctx, days);
  const encoder = new TextEncoder();
  let day = from;
  return new ReadableStream({
    start(controller) {
      if (format === "csv") controller.enqueue(encoder.encode(csvLine([...COLUMNS])));
    },
    async pull(controller) {
      for (; day <= to; day += 1) {
        const rows = await readDay(ctx, siteId, day);
        if (rows.length === 0) continue;
        day += 1;
        return controller.enqueue(
          encoder.encode(rows.map((row) => writeRow(row, format)).join("")),
        );
      }
      controller.close();
    },
  });
}

async function readDay(ctx: Ctx, siteId: number, day: number): Promise<Row[]> {
  const first = day * DAY_HOURS;
  const hours = await ctx.db.read
    .select()
    .from(trafficHours)
    .where(
      and(
        eq(trafficHours.siteId, siteId),
        between(trafficHours.hour, first, first + DAY_HOURS - 1),
      ),
    )
    .orderBy(asc(trafficHours.hour));
  const items = await ctx.db.read
    .select()
    .from(trafficItems)
    .where(and(eq(trafficItems.siteId, siteId), eq(trafficItems.day, day)))
    .orderBy(asc(trafficItems.kind), asc(trafficItems.item));
  return [
    ...hours.map(({ hour, requests, pages, visitors, bytes, bots }) => ({
      day: dayText(day),
      hour: hourText(hour),
      kind: "hour",
      item: null,
      requests,
      pages,
      visitors,
      bytes,
      bots,
    })),
    ...items.map(({ kind, item, count, bytes }) => ({
      day: dayText(day),
      hour: null,
      kind,
      item,
      requests: count,
      pages: null,
      visitors: null,
      bytes,
      bots: null,
    })),
  ];
}

function writeRow(row: Row, format: ExportFormat): string {
  if (format === "ndjson") return `${JSON.stringify(row)}\n`;
  return csvLine(COLUMNS.map((column) => row[column]));
}

/**
 * One record. A text that a spreadsheet would take for a formula gets an apostrophe in front: paths and referrers are
 * written by strangers.
 *
 * @see RFC 4180; https://owasp.org/www-community/attacks/CSV_Injection
 */
function csvLine(values: readonly (string | number | null)[]): string {
  const fields = values.map((value) => {
    if (typeof value !== "string") return value === null ? "" : String(value);
    const safe = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${fields.join(",")}\r\n`;
}
