import { and, asc, desc, eq, inArray, lt, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { type PageRequest, toPage } from "#http/page.ts";
import { requireSite } from "#sites/rights.ts";
import type { Ctx } from "#store/ctx.ts";

import type { CronBody, CronList, CronRun, CronRunPage } from "../model.ts";
import { cronRuns, siteCrons } from "../tables.ts";
import { scheduleKey } from "./due.ts";
import { requestIdOf, type RunRow } from "./runs.ts";
import type { Crons } from "./scheduler.ts";

const LOOK = { action: "look at the schedules of", role: "viewer", scope: "site" } as const;
const RUN = { action: "run a schedule of", role: "developer", scope: "site" } as const;

/** The schedules of the live program of a site. @throws unauthenticated, scope_missing, site_not_found */
export async function listCrons(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
): Promise<CronList> {
  const { site } = await requireSite(ctx, actor, name, LOOK);
  const { cron, timeZone, siteId } = siteCrons;
  const rows = await ctx.db.read
    .select()
    .from(siteCrons)
    .where(eq(siteId, site.id))
    .orderBy(asc(cron), asc(timeZone));
  const newest = ctx.db.read
    .select({ id: sql<number>`max(${cronRuns.id})` })
    .from(cronRuns)
    .where(eq(cronRuns.siteId, site.id))
    .groupBy(cronRuns.cron, cronRuns.timeZone);
  const runs = await ctx.db.read.select().from(cronRuns).where(inArray(cronRuns.id, newest));
  const lastOf = new Map(runs.map((run) => [scheduleKey(run), toRun(run)]));
  return {
    items: rows.map((row) => ({
      cron: row.cron,
      timeZone: row.timeZone,
      nextAt: row.nextAt.toISOString(),
      last: lastOf.get(scheduleKey(row)) ?? null,
    })),
  };
}

/** Runs of the schedules of a site, newest first. @throws unauthenticated, scope_missing, site_not_found */
export async function listCronRuns(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  page: PageRequest,
): Promise<CronRunPage> {
  const { site } = await requireSite(ctx, actor, name, LOOK);
  const before = page.cursor?.[0];
  const rows = await ctx.db.read
    .select()
    .from(cronRuns)
    .where(
      and(
        eq(cronRuns.siteId, site.id),
        before === undefined ? undefined : lt(cronRuns.id, Number(before)),
      ),
    )
    .orderBy(desc(cronRuns.id))
    .limit(page.limit + 1);
  return toPage(rows, page, toRun, ({ id }) => [id]);
}

/**
 * Begins a run of a schedule of the live program now, and does not wait for its end. Where several time zones have the same
 * schedule, the time zone must be named.
 *
 * @throws unauthenticated, scope_missing, site_role, site_not_found, cron_not_found, cron_running
 */
export async function runCron(
  ctx: Ctx,
  crons: Pick<Crons, "runNow">,
  actor: Actor | undefined,
  name: string,
  { cron, timeZone }: CronBody,
): Promise<CronRun> {
  const { site } = await requireSite(ctx, actor, name, RUN);
  const rows = await ctx.db.read
    .select()
    .from(siteCrons)
    .where(and(eq(siteCrons.siteId, site.id), eq(siteCrons.cron, cron)));
  const [found, ...others] = rows.filter(
    (row) => timeZone === undefined || row.timeZone === timeZone,
  );
  if (!found || others.length > 0)
    throw fail("cron_not_found", {
      cron: printable(cron),
      timeZone: timeZone === undefined ? "no time zone named" : printable(timeZone),
    });
  const id = await crons.runNow(site.id, { cron, timeZone: found.timeZone });
  const [run] = await ctx.db.read.select().from(cronRuns).where(eq(cronRuns.id, id));
  if (!run) throw new Error("a run that was written is not there");
  return toRun(run);
}

function toRun(row: RunRow): CronRun {
  return {
    id: row.id,
    requestId: requestIdOf(row.id),
    deploy: row.deployId,
    cron: row.cron,
    timeZone: row.timeZone,
    dueAt: row.dueAt.toISOString(),
    attempt: row.attempt,
    startedAt: row.startedAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
    outcome: row.outcome,
    problem: row.problem,
    retryAt: row.retryAt?.toISOString() ?? null,
  };
}
