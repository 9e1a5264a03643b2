import { and, asc, desc, eq, gt, inArray, lt, type SQL } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { LogKind, LogLevel, type LogLine, type LogPage } from "../model.ts";
import { requireSite } from "../rights.ts";
import { siteLogs } from "../tables.ts";
import { logHub } from "./logs-hub.ts";

/** The least severe first. */
const LEVELS = LogLevel.anyOf.map((level) => level.const);
const KINDS = LogKind.anyOf.map((kind) => kind.const);

/** Which lines of a log. */
export type LogFilter = {
  /** The least severe. */
  level?: LogLevel | undefined;
  kind?: LogKind | undefined;
  /** Those of one request. */
  requestId?: string | undefined;
};

/** Reads a filter of a query. @throws invalid_input */
export function parseLogFilter(query: {
  level?: string;
  kind?: string;
  request?: string;
}): LogFilter {
  const { request: requestId = "" } = query;
  return {
    ...(requestId !== "" && { requestId }),
    level: oneOf("level", LEVELS, query.level),
    kind: oneOf("kind", KINDS, query.kind),
  };
}

function oneOf<T extends string>(
  field: string,
  known: readonly T[],
  value: string | undefined,
): T | undefined {
  if (value === undefined || value === "") return undefined;
  const found = known.find((one) => one === value);
  if (found === undefined)
    throw fail("invalid_input", { field, problem: `use ${known.join(", ")}` });
  return found;
}

/** The log of a site, newest first, with all that was noted until now. @throws unauthenticated, scope_missing, site_not_found */
export async function listLogs(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  { page, ...filter }: LogFilter & { page: PageRequest },
): Promise<LogPage> {
  const { site } = await requireSite(ctx, actor, name, {
    action: "read the log of",
    role: "viewer",
    scope: "site",
  });
  await logHub(ctx).flush();
  const rows = await ctx.db.read
    .select()
    .from(siteLogs)
    .where(
      and(whereOf(site.id, filter), page.cursor && lt(siteLogs.id, Number(page.cursor[0] ?? 0))),
    )
    .orderBy(desc(siteLogs.id))
    .limit(page.limit + 1);
  return toPage(rows, page, toLine, ({ id }) => [id]);
}

/** Lines that were written after the line `after`, oldest first. The caller checked the right. */
export async function readLinesAfter(
  ctx: Ctx,
  siteId: number,
  { after, limit, ...filter }: LogFilter & { after: number; limit: number },
): Promise<LogLine[]> {
  const rows = await ctx.db.read
    .select()
    .from(siteLogs)
    .where(and(whereOf(siteId, filter), gt(siteLogs.id, after)))
    .orderBy(asc(siteLogs.id))
    .limit(limit);
  return rows.map(toLine);
}

/** The id of the newest line of a site, 0 where there is none. */
export async function newestLineId(ctx: Ctx, siteId: number): Promise<number> {
  const [row] = await ctx.db.read
    .select({ id: siteLogs.id })
    .from(siteLogs)
    .where(eq(siteLogs.siteId, siteId))
    .orderBy(desc(siteLogs.id))
    .limit(1);
  return row?.id ?? 0;
}

function whereOf(siteId: number, { level, kind, requestId }: LogFilter): SQL | undefined {
  return and(
    eq(siteLogs.siteId, siteId),
    level && level !== "debug"
      ? inArray(siteLogs.level, LEVELS.slice(LEVELS.indexOf(level)))
      : undefined,
    kind && eq(siteLogs.kind, kind),
    requestId === undefined ? undefined : eq(siteLogs.requestId, requestId),
  );
}

function toLine(row: typeof siteLogs.$inferSelect): LogLine {
  const { id, at, level, kind, requestId, message, data } = row;
  return { id, at: at.toISOString(), level, kind, requestId, message, data };
}
