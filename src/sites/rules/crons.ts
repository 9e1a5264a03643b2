import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import type { Cron, ProgramBody } from "../model.ts";

/** The earliest moment that is tried for a schedule: whether one comes at all does not depend on today. */
const SOME_DAY = Date.UTC(2024, 0, 1);
const NICKNAMES = new Set([
  "@yearly",
  "@annually",
  "@monthly",
  "@weekly",
  "@daily",
  "@midnight",
  "@hourly",
]);
/** What the five fields are made of: bounds the parser of the runtime, which is lenient about blanks. */
const FIELDS = /^[\w*,/-]{1,60}(?: [\w*,/-]{1,60}){4}$/;

/**
 * The schedules of a program as they are kept: one blank between fields, the name of the time zone as IANA writes it
 * (UTC where none is given), each once. Nothing finer than a minute can be written in five fields.
 *
 * @throws cron_invalid
 */
export function parseCrons(input: ProgramBody["crons"], max: number): Cron[] {
  const crons = new Map<string, Cron>();
  for (const one of input ?? []) {
    const cron = parseCron(typeof one === "string" ? { cron: one } : one);
    crons.set(`${cron.cron} ${cron.timeZone}`, cron);
    if (crons.size > max)
      throw fail("cron_invalid", {
        cron: cron.cron,
        problem: `a program may have ${max} schedules on this server`,
      });
  }
  return [...crons.values()];
}

function parseCron(input: { cron: string; timeZone?: string }): Cron {
  const cron = input.cron.trim().replace(/\s+/g, " ");
  const refuse = (problem: string) =>
    fail("cron_invalid", { cron: printable(input.cron), problem });
  if (!NICKNAMES.has(cron) && !FIELDS.test(cron))
    throw refuse(cron.startsWith("@") ? "there is no such word" : "it is not five fields of times");
  const timeZone = zoneOf(input.timeZone ?? "UTC");
  if (timeZone === undefined)
    throw refuse(`there is no time zone "${printable(input.timeZone ?? "")}"`);
  try {
    if (nextTime({ cron, timeZone }, SOME_DAY) !== undefined) return { cron, timeZone };
  } catch (cause) {
    throw refuse(wordsOf(cause));
  }
  throw refuse("no such day ever comes");
}

/**
 * The first moment after `fromMs` that a schedule names, in milliseconds since 1970. A time that the change to summer time
 * leaves out comes as much later as the clock is moved; one that comes twice in autumn is taken once, the first, unless the
 * schedule runs every hour or every minute.
 */
export function nextTime({ cron, timeZone }: Cron, fromMs: number): number | undefined {
  return Bun.cron.parse(cron, fromMs, { tz: timeZone })?.getTime();
}

/** The name of a time zone as IANA writes it. */
function zoneOf(name: string): string | undefined {
  // Fixed distances such as +02:00 are known to Intl, and not to the parser.
  if (!/^[a-z][\w+/-]*$/i.test(name)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions();
    return timeZone;
  } catch {
    return undefined;
  }
}

/** `value out of range for field` of `Invalid cron expression: value out of range for field`. */
function wordsOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : "it is not readable";
  return text.replace(/^Invalid cron expression: /, "").replace(/\.? Bun\.cron.*$/s, "");
}
