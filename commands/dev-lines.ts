import { printable } from "#base/names.ts";
import type { DevAnswer } from "#server/dev-requests.ts";
import type { DevOptions, DevProgramInfo } from "#server/dev.ts";

import type { Context } from "./context.ts";
import { printableMessage } from "./logs.ts";
import { renderBytes, renderCount, renderTime, shorten, type Style } from "./render.ts";

type Line = Parameters<DevOptions["onLine"]>[0];

/** `12:30:05 GET 200 /a 1.2 kB 3 ms → a.html`. */
export function renderAnswer(answer: DevAnswer, style: Style): string {
  const { at, method, target, status, bytes, ms, by } = answer;
  const paint =
    status < 300
      ? style.green
      : status < 400
        ? style.cyan
        : status < 500
          ? style.yellow
          : style.red;
  const size = bytes === undefined ? "" : `${renderBytes(bytes)} `;
  return [
    style.dim(timeOf(at)),
    printable(method).padEnd(4),
    paint(String(status)),
    printable(target),
    style.dim(`${size}${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`),
    ...(by === undefined ? [] : [style.dim(`→ ${printable(by)}`)]),
  ].join(" ");
}

/** `12:30:05 error TypeError: …`, and the lines of the stack below it. */
export function renderProgramLine(at: Date, { level, message }: Line, style: Style): string {
  const paint = { debug: style.dim, info: style.cyan, warn: style.yellow, error: style.red }[level];
  return `${style.dim(timeOf(at))} ${paint(level.padEnd(5))} ${printableMessage(message)}`;
}

/** `changed: index.html and 3 others`. */
export function renderChange(what: string, paths: readonly string[]): string {
  const [first = ""] = paths;
  const others = paths.length - 1;
  return `${what}: ${printable(first)}${others === 0 ? "" : ` and ${renderCount(others, "other")}`}`;
}

/** `schedule: 0 4 * * * (UTC), next at 2026-03-01 04:00:00`. */
export function renderSchedule({
  cron,
  timeZone,
  nextAt,
}: DevProgramInfo["crons"][number]): string {
  const next = nextAt ? `next at ${renderTime(nextAt.toISOString())} UTC` : "never due again";
  return `schedule: ${printable(cron)} (${printable(timeZone)}), ${next}`;
}

/** Says what is run, and how. */
export function tellProgram(
  { say, warn }: Context,
  about: {
    url: string;
    program: DevProgramInfo;
    unconfined: string | undefined;
    runsCrons: boolean;
  },
): void {
  const { url, program, unconfined, runsCrons } = about;
  const { name, sizeBytes, problem, crons } = program;
  if (unconfined !== undefined)
    warn(
      `The program runs WITHOUT the sandbox, with all your rights: ${unconfined === "--unsafe-no-sandbox" ? "--unsafe-no-sandbox was given" : printable(unconfined)}`,
    );
  if (problem !== undefined) warn(printableMessage(problem));
  else say(`${shorten(name ?? "", 60)} (${renderBytes(sizeBytes)}) answers what no file does`);
  for (const cron of crons) say(renderSchedule(cron));
  const [first] = crons;
  if (first && !runsCrons)
    say(
      `Schedules wait for --crons; run one: curl -X POST '${url}/.land/scheduled?cron=${encodeURIComponent(first.cron)}'`,
    );
}

function timeOf(at: Date): string {
  return at.toISOString().slice(11, 19);
}
