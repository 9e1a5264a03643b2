import { isIP } from "node:net";

import { plainAddress } from "#base/address.ts";
import { isLoopbackHost } from "#base/config.ts";
import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { problemResponse } from "#http/problems.ts";
import { OWN_FOLDER } from "#sites/addresses.ts";
import type { Cron } from "#sites/model.ts";
import { nextTime } from "#sites/rules/crons.ts";

/** A POST here runs a schedule. No deploy has a path like it. */
export const SCHEDULED_PATH = `/${OWN_FOLDER}/scheduled`;

/** What runs schedules. */
export type CronParts = {
  now: () => Date;
  /** Those of the program as it is. */
  crons: () => readonly Cron[];
  run: (cron: string, scheduledTimeMs: number) => Promise<void>;
  /** Told of each run by the clock: what ran, and why it failed if it did. */
  onRun: (cron: Cron, problem: string | undefined) => void;
};

/** Schedules that run by the clock, none beside itself. */
export type Clock = {
  /** Reads the schedules anew. */
  set: () => void;
  stop: () => void;
};

/** Longest sleep of a timer. */
const MAX_SLEEP_MS = 60_000;

/** When a schedule is due next. */
export function nextOf(cron: Cron, now: Date): Date | undefined {
  const ms = nextTime(cron, now.getTime());
  return ms === undefined ? undefined : new Date(ms);
}

/** Starts the clock. */
export function startClock({ now, crons, run, onRun }: CronParts): Clock {
  const running = new Set<string>();
  let due = new Map<string, { cron: Cron; atMs: number }>();
  let timer: Timer | undefined;

  async function runOne(cron: Cron, atMs: number): Promise<void> {
    const key = keyOf(cron);
    if (running.has(key)) return;
    running.add(key);
    try {
      await run(cron.cron, atMs);
      onRun(cron, undefined);
    } catch (error) {
      onRun(cron, wordsOf(error));
    } finally {
      running.delete(key);
    }
  }

  function set(): void {
    const before = due;
    due = new Map();
    const nowMs = now().getTime();
    for (const cron of crons()) {
      const known = before.get(keyOf(cron))?.atMs;
      const atMs = known !== undefined && known > nowMs ? known : nextTime(cron, nowMs);
      if (atMs !== undefined) due.set(keyOf(cron), { cron, atMs });
    }
    sleep();
  }

  function sleep(): void {
    clearTimeout(timer);
    const first = Math.min(...[...due.values()].map(({ atMs }) => atMs));
    if (Number.isFinite(first))
      timer = setTimeout(ring, Math.min(Math.max(first - now().getTime(), 0), MAX_SLEEP_MS));
  }

  function ring(): void {
    const nowMs = now().getTime();
    for (const { cron, atMs } of due.values()) if (atMs <= nowMs) void runOne(cron, atMs);
    set();
  }

  set();
  return { set, stop: () => clearTimeout(timer) };
}

function keyOf({ cron, timeZone }: Cron): string {
  return `${timeZone} ${cron}`;
}

/**
 * Runs a schedule at once, for who is on this machine: pages of others cannot ask for it.
 * `?cron=` names it, `?timeZone=` too where several have the same; neither is needed where there is one alone.
 */
export async function answerScheduled(
  { crons, run, now }: Omit<CronParts, "onRun">,
  request: Request,
  address: string,
): Promise<Response> {
  if (request.method !== "POST")
    return problemResponse(fail("method_not_allowed", { method: request.method, allow: "POST" }));
  const refusal = problemOf(request, address);
  if (refusal !== undefined) return problemResponse(fail("bad_request", { problem: refusal }));
  const wanted = new URL(request.url).searchParams;
  const [cron, timeZone] = [wanted.get("cron"), wanted.get("timeZone")];
  const [found, ...others] = crons().filter(
    (one) =>
      (cron === null || one.cron === cron) && (timeZone === null || one.timeZone === timeZone),
  );
  if (cron === null && (!found || others.length > 0)) {
    const problem = found ? "it names none of the schedules (?cron=)" : "there is no schedule";
    return problemResponse(fail("bad_request", { problem }));
  }
  if (!found || others.length > 0) {
    const about = { cron: printable(cron ?? ""), timeZone: printable(timeZone ?? "any time zone") };
    return problemResponse(fail("cron_not_found", about));
  }
  const startedMs = performance.now();
  const failure = await run(found.cron, now().getTime()).then(() => undefined, wordsOf);
  const value = {
    ...found,
    outcome: failure === undefined ? "done" : "failed",
    problem: failure ?? null,
    ms: Math.round(performance.now() - startedMs),
  };
  return Response.json(value, {
    status: failure === undefined ? 200 : 500,
    headers: { "cache-control": "no-store" },
  });
}

function problemOf({ headers }: Request, address: string): string | undefined {
  const own = plainAddress(address);
  if (isIP(own) === 0 || !isLoopbackHost(own)) return "it comes from another machine";
  const origin = headers.get("origin");
  if (origin === null) return undefined;
  return URL.parse(origin)?.host === headers.get("host")
    ? undefined
    : "it comes from a page of another site";
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? printable(error.message) : "it failed";
}
