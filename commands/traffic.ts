import { printableLines } from "#base/names.ts";
import type { Traffic } from "#traffic/model.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { renderBytes, renderCount, renderNumber, renderTable, shorten } from "./render.ts";
import { placedSiteArgs, settlePlacedSite } from "./site.ts";
import { parseCount } from "./spec.ts";

const TOP = 10;
/** Columns. */
const MAX_BAR = 30;
const MIN_BAR = 4;

/** Shows who visits a site. */
export default defineCommand({
  more: `Days are UTC. Visitors are counted without cookies and without stored addresses; bots are counted apart. --format csv and
--format ndjson print what a spreadsheet or a program reads.`,
  examples: [
    "land traffic blog # the last 7 days",
    "land traffic blog --days 30 --format csv > blog.csv",
  ],
  args: {
    ...placedSiteArgs,
    days: { type: "text", short: "d", value: "N", about: "How many days, 1 to 365 (default: 7)" },
    format: {
      type: "text",
      value: "FORMAT",
      about: "text, csv, ndjson or json (default: text)",
      oneOf: ["text", "csv", "ndjson", "json"],
    },
  },
  async run(context, args) {
    const site = await settlePlacedSite(context, args);
    const days = args.days === undefined ? 7 : parseCount("--days", args.days, 365);
    const { remote } = await connect(context);
    const { format = "text" } = args;
    if (!context.json && (format === "csv" || format === "ndjson")) {
      const text = await remote.exportTraffic(site, days, format);
      return { value: text, text: forStdout(context, text.replace(/\r?\n$/, "")) };
    }
    const traffic = await remote.readTraffic(site, days);
    const isEmpty = traffic.total.requests === 0 && traffic.total.bots === 0;
    if (isEmpty && format === "text") {
      context.say(
        `Nobody has visited ${site} in ${days === 1 ? "this day" : `these ${days} days`}`,
      );
      return { value: traffic };
    }
    return {
      value: traffic,
      text:
        format === "json" ? JSON.stringify(traffic, undefined, 2) : renderTraffic(traffic, context),
    };
  },
});

/** A file keeps every byte; a terminal must not obey what a visitor wrote into a path. */
function forStdout({ world }: Context, text: string): string {
  return world.stdout.isTTY === true ? printableLines(text.replaceAll("\r\n", "\n")) : text;
}

function renderTraffic(traffic: Traffic, { style, world }: Context): string {
  const { total, days } = traffic;
  const peak = Math.max(1, ...days.map(({ visitors }) => visitors));
  const head = ["day", "", "visitors", "pages", "requests", "sent"].map(style.dim);
  const tableWith = (barWidth: number): string =>
    renderTable(
      [
        head,
        ...days.map(({ day, visitors, pages, requests, bytes }) => [
          shorten(day, 10),
          style.cyan(bar(visitors / peak, barWidth)),
          renderNumber(visitors),
          renderNumber(pages),
          renderNumber(requests),
          renderBytes(bytes),
        ]),
      ],
      [2, 3, 4, 5],
    );
  const columns = world.stdout.isTTY === true ? world.stdout.columns || 80 : 80;
  // The numbers and the blanks between; the bars get what the screen has left.
  const others = Bun.stringWidth(tableWith(0).split("\n", 1)[0] ?? "");
  const sums = [
    `${renderCount(total.visitors, "visitor")}, ${renderCount(total.pages, "page")}, ${renderCount(total.requests, "request")}, ${renderBytes(total.bytes)}`,
    ...(total.bots > 0 ? [`besides, ${renderCount(total.bots, "request")} of bots`] : []),
  ];
  return [
    tableWith(Math.min(MAX_BAR, Math.max(MIN_BAR, columns - others))),
    "",
    ...sums,
    ...renderTop("Pages and files", traffic.paths),
    ...renderTop("From", traffic.referrers),
    ...renderTop("Status", traffic.statuses),
    ...renderTop("Countries", traffic.countries),
  ].join("\n");
}

function renderTop(title: string, items: Traffic["paths"]): string[] {
  if (items.length === 0) return [];
  const rows = items
    .slice(0, TOP)
    .map(({ item, count }) => [`  ${shorten(item, 70)}`, renderNumber(count)]);
  return ["", `${title}:`, renderTable(rows, [1])];
}

/** A bar of up to `width` columns in steps of an eighth. */
function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  const rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8] ?? "";
  return "█".repeat(Math.floor(eighths / 8)) + rest;
}
