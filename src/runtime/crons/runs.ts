/**
 * `src/runtime/crons` runs programs by the clock: what is due when, runs, retries, and what became of them.
 * The composition starts it. It must never run a schedule twice at the same time, nor forget a run that it began.
 */
import { and, eq, isNotNull, isNull, ne, sql } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { RunOutcome } from "../model.ts";
import { cronRuns } from "../tables.ts";

/** A row of the table of runs. */
export type RunRow = typeof cronRuns.$inferSelect;
/** A run that begins. */
export type NewRun = Pick<
  RunRow,
  "siteId" | "deployId" | "cron" | "timeZone" | "dueAt" | "attempt"
>;

const MINUTE_MS = 60_000;
/** A run that fails is tried again after these, unless the program says not to. */
const BACKOFF_MS = [MINUTE_MS / 2, 5 * MINUTE_MS] as const;
/** What was due longer ago is not made up for. */
const TOO_OLD_MS = 24 * 60 * MINUTE_MS;
const MAX_PROBLEM = 500;

/** Writes that a run begins, and forgets the oldest of the site; answers its id. */
export async function insertRun(ctx: Ctx, tx: Tx, run: NewRun): Promise<number> {
  const [row] = await tx
    .insert(cronRuns)
    .values({
      siteId: run.siteId,
      deployId: run.deployId,
      cron: run.cron,
      timeZone: run.timeZone,
      dueAt: run.dueAt,
      attempt: run.attempt,
      startedAt: ctx.now(),
      outcome: "running",
    })
    .returning({ id: cronRuns.id });
  if (!row) throw new Error("a run was not written");
  const { siteId, outcome, retryAt, id } = cronRuns;
  const oldest = sql`(SELECT id FROM cron_runs WHERE site_id = ${run.siteId} ORDER BY id DESC
                      LIMIT 1 OFFSET ${ctx.config["functions.cronRuns"]})`;
  await tx
    .delete(cronRuns)
    .where(
      and(eq(siteId, run.siteId), ne(outcome, "running"), isNull(retryAt), sql`${id} <= ${oldest}`),
    );
  return row.id;
}

/** What lines of the log carry that a run wrote. */
export function requestIdOf(id: number): string {
  return `run-${id}`;
}

/** How a run ended. */
export type RunEnd = {
  outcome: Exclude<RunOutcome, "running">;
  problem?: string | undefined;
  /** When it is tried again. */
  retryAt?: Date | undefined;
};

/** Writes how a run ended. */
export async function endRun(ctx: Ctx, id: number, end: RunEnd): Promise<void> {
  await ctx.db.transaction((tx) => setEnd(ctx, tx, id, end));
}

async function setEnd(
  ctx: Ctx,
  tx: Tx,
  id: number,
  { outcome, problem, retryAt }: RunEnd,
): Promise<void> {
  await tx
    .update(cronRuns)
    .set({
      outcome,
      endedAt: ctx.now(),
      problem: problem?.slice(0, MAX_PROBLEM) ?? null,
      retryAt: retryAt ?? null,
    })
    .where(eq(cronRuns.id, id));
}

/** Marks runs that a server left when it ended: lost, and to be tried again at once unless too old. */
export async function endLostRuns(ctx: Ctx): Promise<void> {
  const now = ctx.now();
  await ctx.db.transaction(async (tx) => {
    const rows = await tx.select().from(cronRuns).where(eq(cronRuns.outcome, "running"));
    for (const row of rows) {
      const retryAt = retryTime(row, now, true);
      await setEnd(ctx, tx, row.id, { outcome: "lost", problem: "the server ended", retryAt });
    }
  });
}

/** When a run that ended badly is tried again, if it is: after a while, or at the next start of the server. */
export function retryTime(
  run: Pick<RunRow, "attempt" | "dueAt">,
  now: Date,
  atOnce = false,
): Date | undefined {
  const waitMs = BACKOFF_MS[run.attempt - 1];
  if (waitMs === undefined || now.getTime() - run.dueAt.getTime() >= TOO_OLD_MS) return undefined;
  return new Date(now.getTime() + (atOnce ? 0 : waitMs));
}

/** Takes back that runs of a schedule are tried again: a later time has come, or nobody wants them. */
export async function dropRetries(
  tx: Tx,
  of: Pick<RunRow, "siteId" | "cron" | "timeZone">,
): Promise<void> {
  await tx
    .update(cronRuns)
    .set({ retryAt: null })
    .where(
      and(
        isNotNull(cronRuns.retryAt),
        eq(cronRuns.siteId, of.siteId),
        eq(cronRuns.cron, of.cron),
        eq(cronRuns.timeZone, of.timeZone),
      ),
    );
}
