import { and, desc, eq, gte, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { requireSite } from "#sites/rights.ts";
import type { Ctx } from "#store/ctx.ts";
import { dayOfHour, hourOf } from "#traffic/calendar.ts";

import type { EgressBody, EgressHost, EgressLedger } from "../model.ts";
import { siteEgress, siteFunctions } from "../tables.ts";
import { readAllow } from "./allow-lists.ts";
import { parseAllow } from "./allow.ts";

/** Days that a ledger tells of where nobody says how many. */
export const EGRESS_DAYS = 7;
/** Hosts that are told, the busiest. */
const MAX_HOSTS = 500;

/**
 * Where the programs of a site talked to in the last `days` days in UTC, today included, as far as they are kept. The last two
 * seconds may be missing.
 *
 * @throws unauthenticated, scope_missing, site_role, site_not_found, invalid_input
 */
export async function readEgress(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  days: number,
): Promise<EgressLedger> {
  const need = { action: "look at the egress of", role: "developer", scope: "site" } as const;
  const { site } = await requireSite(ctx, actor, name, need);
  return toLedger(ctx, site.id, days);
}

/**
 * Sets which hosts the programs of a site may ask; null: every public one. It holds from the next `fetch` on.
 *
 * @throws unauthenticated, scope_missing, site_role, site_not_found, egress_invalid
 */
export async function setEgress(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  { allow }: EgressBody,
): Promise<EgressLedger> {
  const need = {
    action: "change what may be asked by",
    role: "owner",
    scope: "account",
  } as const;
  const site = await ctx.db.transaction(async (tx) => {
    const access = await requireSite(ctx, actor, name, need);
    const egressAllow = allow && parseAllow(allow);
    await tx
      .insert(siteFunctions)
      .values({ siteId: access.site.id, egressAllow })
      .onConflictDoUpdate({ target: siteFunctions.siteId, set: { egressAllow } });
    return access.site;
  });
  ctx.hooks.emit("site.functions", { site: site.name });
  return toLedger(ctx, site.id, EGRESS_DAYS);
}

async function toLedger(ctx: Ctx, siteId: number, days: number): Promise<EgressLedger> {
  const kept = ctx.config["functions.egressDays"];
  if (!Number.isInteger(days) || days < 1 || days > 400)
    throw fail("invalid_input", { field: "days", problem: "use 1 to 400" });
  const told = Math.min(days, kept);
  const from = dayOfHour(hourOf(ctx.now())) - told + 1;
  const allow = await readAllow(ctx, siteId);
  return {
    days: told,
    allow: allow && [...allow],
    hosts: await readHosts(ctx, siteId, from),
  };
}

async function readHosts(ctx: Ctx, siteId: number, from: number): Promise<EgressHost[]> {
  const { host, day, requests, refused, bytesOut, bytesIn, lastAt, problem } = siteEgress;
  const sum = (column: typeof requests | typeof refused | typeof bytesOut | typeof bytesIn) =>
    sql<number>`sum(${column})`;
  const total = sql`sum(${requests} + ${refused})`;
  const rows = await ctx.db.read
    .select({
      host,
      requests: sum(requests),
      refused: sum(refused),
      bytesOut: sum(bytesOut),
      bytesIn: sum(bytesIn),
      lastAtMs: sql<number>`max(${lastAt})`,
      // Of the last day on which there was one.
      problem: sql<
        string | null
      >`substr(max(iif(${problem} IS NULL, NULL, printf('%010d%s', ${day}, ${problem}))), 11)`,
    })
    .from(siteEgress)
    .where(and(eq(siteEgress.siteId, siteId), gte(day, from)))
    .groupBy(host)
    .orderBy(desc(total), host)
    .limit(MAX_HOSTS);
  return rows.map((row) => ({
    host: row.host,
    requests: row.requests,
    refused: row.refused,
    bytesOut: row.bytesOut,
    bytesIn: row.bytesIn,
    lastAt: new Date(row.lastAtMs).toISOString(),
    problem: row.problem,
  }));
}
