import { printable } from "#base/names.ts";
import { createTurns } from "#base/turns.ts";
import type { GuestCalls } from "#bridge/calls.ts";
import type { Cron } from "#sites/model.ts";
import type { Ctx } from "#store/ctx.ts";
import { errorCode } from "#store/files.ts";

import type { ProgramRef } from "../tenant.ts";
import { type Due, type Schedule, scheduleKey } from "./due.ts";
import { endRun, requestIdOf, retryTime, type RunEnd } from "./runs.ts";
import type { Work } from "./work.ts";

/** Runs the handler of a program; rejects where it failed, with the code `no_retry` where it must not be tried again. */
export type RunProgram = (
  ref: ProgramRef,
  event: GuestCalls["scheduled"],
  signal: AbortSignal,
) => Promise<void>;

/** A program with its schedules. */
export type CronProgram = ProgramRef & { crons: readonly Cron[] };

/** A run that was written down. */
export type Begun = { id: number; due: Due; program: CronProgram; mayRetry: boolean };

/** Runs what was written down, no schedule beside itself. */
export type Runner = {
  isRunning: (schedule: Schedule) => boolean;
  /** Notes that a due time came while the last one runs. */
  skip: (schedule: Schedule) => void;
  /** Begins it; `isRunning` from now until it is done. */
  start: (begun: Begun) => void;
};

/** What a runner needs. */
export type RunnerParts = {
  ctx: Ctx;
  run: RunProgram;
  work: Work;
  /** Fires when the server stops. */
  stopping: AbortSignal;
  /** Called when a run is over and written down. */
  onEnd: () => Promise<void>;
};

/** Runs at a time: of all sites, and of one. Others wait for their turn. */
const AT_ONCE = 50;
const SITE_AT_ONCE = 4;

/** Makes a runner that runs nothing yet. */
export function createRunner({ ctx, run, work, stopping, onEnd }: RunnerParts): Runner {
  /** Due times that each running schedule was skipped at. */
  const running = new Map<string, number>();
  const ofSite = createTurns(SITE_AT_ONCE);
  const ofAll = createTurns(AT_ONCE);

  async function perform(begun: Begun): Promise<void> {
    const { id, due, mayRetry } = begun;
    const key = scheduleKey(due);
    const end = await endOf(() => runWithin(ctx, run, begun, stopping), {
      ctx,
      due,
      stopping,
      mayRetry,
    });
    const skipped = running.get(key) ?? 0;
    // From here on the next due time may run.
    running.delete(key);
    await endRun(ctx, id, { ...end, problem: withSkipped(end.problem, skipped) });
  }

  return {
    isRunning: (schedule) => running.has(scheduleKey(schedule)),
    skip(schedule) {
      const key = scheduleKey(schedule);
      running.set(key, (running.get(key) ?? 0) + 1);
    },
    start(begun) {
      running.set(scheduleKey(begun.due), 0);
      work.begin("run", async () => {
        await ofSite(String(begun.due.siteId), () => ofAll("", () => perform(begun)));
        await onEnd();
      });
    },
  };
}

/** Runs the handler for at most `functions.cronSeconds`. */
async function runWithin(
  { config }: Ctx,
  run: RunProgram,
  { id, due, program }: Begun,
  stopping: AbortSignal,
): Promise<void> {
  const event = {
    cron: due.cron,
    scheduledTime: due.dueAt.getTime(),
    requestId: requestIdOf(id),
  };
  const seconds = config["functions.cronSeconds"];
  const late = new AbortController();
  const signal = AbortSignal.any([stopping, late.signal]);
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.abort(new Error(`it took longer than ${seconds} seconds`)),
    seconds * 1000,
  );
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([run(program, event, signal), promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** How a run ended, and whether it is tried again. */
async function endOf(
  doing: () => Promise<void>,
  about: { ctx: Ctx; due: Due; stopping: AbortSignal; mayRetry: boolean },
): Promise<RunEnd> {
  const { ctx, due, stopping, mayRetry } = about;
  try {
    await doing();
    return { outcome: "done" };
  } catch (cause) {
    const now = ctx.now();
    if (stopping.aborted)
      return {
        outcome: "lost",
        problem: "the server was stopped",
        ...(mayRetry && { retryAt: retryTime(due, now, true) }),
      };
    const problem = problemOf(cause);
    const isFinal = !mayRetry || errorCode(cause) === "no_retry";
    return { outcome: "failed", problem, retryAt: isFinal ? undefined : retryTime(due, now) };
  }
}

/** The first line of it: a program may say whatever it likes. */
function problemOf(cause: unknown): string {
  const [line = ""] = cause instanceof Error ? cause.message.split("\n", 1) : [];
  return printable(line) || "it failed";
}

function withSkipped(problem: string | undefined, skipped: number): string | undefined {
  if (skipped === 0) return problem;
  const times = skipped === 1 ? "1 due time" : `${skipped} due times`;
  const told = `${times} came while it ran, and went by`;
  return problem === undefined ? told : `${problem}; ${told}`;
}
