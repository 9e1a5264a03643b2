import { fail } from "#base/errors.ts";
import type { Cron } from "#sites/model.ts";
import { findSiteId } from "#sites/site/sites-ids.ts";
import type { Ctx } from "#store/ctx.ts";

import {
  claimRun,
  type Due,
  passBy,
  readDue,
  readNextMs,
  scheduleKey,
  sitesWithCrons,
  syncSchedules,
} from "./due.ts";
import { createRunner, type CronProgram, type Runner, type RunProgram } from "./runner.ts";
import { endLostRuns } from "./runs.ts";
import { createWork, type Work } from "./work.ts";

/** What schedules need of others. */
export type CronParts = {
  ctx: Ctx;
  run: RunProgram;
  /** What visitors of a site get now. */
  liveProgramOf: (siteId: number) => Promise<CronProgram | undefined>;
};

/** The schedules of all sites. */
export type Crons = {
  /** Begins what is due by the clock of the Ctx; does not wait for its end. */
  tick: () => Promise<void>;
  /** Reads the schedules of a site anew, after its live program changed. */
  wake: (siteId: number) => Promise<void>;
  /**
   * Begins a run of the live program outside of its times; answers its id. It is not tried again.
   *
   * @throws cron_not_found, cron_running
   */
  runNow: (siteId: number, cron: Cron) => Promise<number>;
  /** When all that was begun is done. */
  settled: () => Promise<void>;
  /** Begins nothing more, and gives up what runs: that is tried again at the next start. */
  stop: () => Promise<void>;
};

/** The longest that the timer sleeps: a clock that was set is noticed then. */
const MAX_SLEEP_MS = 30_000;

/**
 * Starts the schedules: runs that an earlier server left are lost and tried again, times that were missed meanwhile are made up
 * for once. Each due time is written down before it runs, so that it runs at least once.
 */
export function startCrons(parts: CronParts): Crons {
  const { ctx, liveProgramOf } = parts;
  const stopping = new AbortController();
  const work = createWork(ctx.log);
  const alarm = createAlarm(ctx, work, () => tick());
  const runner = createRunner({
    ...parts,
    work,
    stopping: stopping.signal,
    onEnd: () => alarm.set(),
  });
  const tick = oneAtATime(async () => {
    if (stopping.signal.aborted) return;
    await beginAllDue(parts, runner);
    await alarm.set();
  });
  const wake = async (siteId: number): Promise<void> => {
    const program = await liveProgramOf(siteId);
    await syncSchedules(ctx, siteId, program?.crons ?? []);
    await alarm.set();
  };
  const onChange = ({ site }: { site: string }): void =>
    work.begin("change", async () => {
      const siteId = await findSiteId(ctx, site);
      if (siteId !== undefined) await wake(siteId);
    });
  const offs = [ctx.hooks.on("site.changed", onChange), ctx.hooks.on("deploy.released", onChange)];
  work.begin("start", async () => {
    await endLostRuns(ctx);
    for (const siteId of await sitesWithCrons(ctx)) await wake(siteId);
    await tick();
  });
  return {
    tick,
    wake,
    runNow: (siteId, cron) => runNow(parts, runner, siteId, cron),
    settled: () => work.settled(),
    async stop() {
      for (const off of offs) off();
      alarm.stop();
      stopping.abort(new Error("the server was stopped"));
      await work.settled();
    },
  };
}

async function runNow(
  { ctx, liveProgramOf }: CronParts,
  runner: Runner,
  siteId: number,
  cron: Cron,
): Promise<number> {
  const program = await liveProgramOf(siteId);
  const due: Due = { siteId, ...cron, dueAt: ctx.now(), attempt: 1 };
  if (!program || !hasCron(program, cron)) throw fail("cron_not_found", cron);
  if (runner.isRunning(due)) throw fail("cron_running", cron);
  const id = await claimRun(ctx, due, program.deploy, { kind: "manual" });
  runner.start({ id, due, program, mayRetry: false });
  return id;
}

/** Begins each due time, then each further attempt of schedules that have no new due time. */
async function beginAllDue(parts: CronParts, runner: Runner): Promise<void> {
  const { due, retries } = await readDue(parts.ctx);
  for (const one of due) await beginDue(parts, runner, one);
  const fresh = new Set(due.map((one) => scheduleKey(one)));
  for (const row of retries)
    if (!fresh.has(scheduleKey(row)))
      await beginDue(parts, runner, { ...row, attempt: row.attempt + 1 }, row.id);
}

async function beginDue(
  { ctx, liveProgramOf }: CronParts,
  runner: Runner,
  due: Due,
  retryOf?: number,
): Promise<void> {
  const program = await liveProgramOf(due.siteId);
  if (!program || !hasCron(program, due))
    return syncSchedules(ctx, due.siteId, program?.crons ?? [], due);
  if (runner.isRunning(due)) {
    runner.skip(due);
    return passBy(ctx, due);
  }
  const kind = retryOf === undefined ? "due" : "retry";
  const id = await claimRun(ctx, due, program.deploy, { kind });
  runner.start({ id, due, program, mayRetry: true });
}

function hasCron({ crons }: CronProgram, { cron, timeZone }: Cron): boolean {
  return crons.some((one) => one.cron === cron && one.timeZone === timeZone);
}

/** The one timer: it ends a sleep when something is due. */
function createAlarm(ctx: Ctx, work: Work, ring: () => Promise<void>) {
  let timer: Timer | undefined;
  let isStopped = false;
  return {
    async set(): Promise<void> {
      const nextMs = await readNextMs(ctx);
      clearTimeout(timer);
      if (nextMs === undefined || isStopped) return;
      const waitMs = Math.min(Math.max(nextMs - ctx.now().getTime(), 0), MAX_SLEEP_MS);
      timer = setTimeout(() => work.begin("tick", ring), waitMs);
      timer.unref();
    },
    stop(): void {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** The same work, one call after another. */
function oneAtATime(doing: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    const next = last.then(doing);
    last = next.catch(() => undefined);
    return next;
  };
}
