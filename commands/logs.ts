import { printable } from "#base/names.ts";
import type { LogLine } from "#sites/model.ts";

import { defineCommand, type Outcome } from "./command.ts";
import { connect, type Connection } from "./connect.ts";
import type { Context } from "./context.ts";
import type { Style } from "./render.ts";
import { placedSiteArgs, settlePlacedSite } from "./site.ts";
import { parseCount } from "./spec.ts";

/** Shows the log of a site. */
export default defineCommand({
  more: `The newest lines, the oldest of them first; times are UTC. With --follow it goes on until Ctrl-C, and --json or --jsonl print
each line as one line of JSON.`,
  examples: [
    "land logs blog",
    "land logs blog --follow --level warn",
    "land logs blog --follow --jsonl # for a program",
  ],
  args: {
    ...placedSiteArgs,
    follow: { type: "boolean", short: "f", about: "Show lines as they come" },
    level: {
      type: "text",
      value: "LEVEL",
      about: "Least severe line to show: debug, info, warn or error",
      oneOf: ["debug", "info", "warn", "error"],
    },
    request: { type: "text", value: "ID", about: "Only lines of the request with this id" },
    limit: { type: "text", value: "N", about: "How many lines, 1 to 100 (default: 20)" },
  },
  async run(context, args) {
    const site = await settlePlacedSite(context, args);
    const { remote } = await connect(context);
    const filter = {
      ...(args.level !== undefined && { level: args.level }),
      ...(args.request !== undefined && { request: args.request }),
    };
    const page = await remote.readLogs(site, {
      ...filter,
      limit: args.limit === undefined ? 20 : parseCount("--limit", args.limit, 100),
    });
    const lines = page.items.toSorted((a, b) => a.id - b.id);
    if (args.follow) return follow(context, remote, { site, filter, lines });
    const text = lines.map((line) => renderLine(line, context.style)).join("\n");
    if (lines.length === 0)
      context.say(
        Object.keys(filter).length === 0
          ? `The log of ${site} is empty`
          : `The log of ${site} has no such lines`,
      );
    return { value: { items: lines, next: page.next }, text };
  },
});

/** As of every program that Ctrl-C ended. */
const STOPPED = 130;

/** Ends with Ctrl-C alone, which is how it is meant to end: no error is shown. */
async function follow(
  context: Context,
  remote: Connection["remote"],
  {
    site,
    filter,
    lines,
  }: { site: string; filter: { level?: LogLine["level"]; request?: string }; lines: LogLine[] },
): Promise<Outcome> {
  const { world, json, style } = context;
  const shown = { last: 0 };
  const print = (line: LogLine): void => {
    // The stream may begin with lines that the page before it held.
    if (line.id <= shown.last) return;
    shown.last = line.id;
    world.stdout.write(`${json ? JSON.stringify(line) : renderLine(line, style)}\n`);
  };
  for (const line of lines) print(line);
  try {
    for await (const line of remote.followLogs(site, filter, shown.last)) print(line);
  } catch (error) {
    if (!context.signal.aborted) throw error;
  }
  return { value: undefined, exitCode: STOPPED };
}

/** `2026-03-01 12:30:05 warn  request  …`. */
function renderLine({ at, level, kind, message }: LogLine, style: Style): string {
  const paint = { debug: style.dim, info: style.cyan, warn: style.yellow, error: style.red }[level];
  const time = printable(at.slice(0, 19).replace("T", " "));
  return `${style.dim(time)} ${paint(level.padEnd(5))} ${kind.padEnd(7)} ${printableMessage(message)}`;
}

/** A text of many lines, safe for a terminal. Those after the first, such as those of a stack, stand a little to the right. */
export function printableMessage(message: string): string {
  return message.split("\n").map(printableLong).join("\n    ");
}

function printableLong(line: string): string {
  return (line.match(/.{1,200}/gu) ?? []).map(printable).join("");
}
