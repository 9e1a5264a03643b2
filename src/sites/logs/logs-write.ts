import { and, asc, count, desc, eq, lte, sql } from "drizzle-orm";

import { giveWay } from "#base/slices.ts";
import type { Ctx } from "#store/ctx.ts";
import type { LossyTx } from "#store/lossy.ts";

import { siteLogs, sites } from "../tables.ts";
import type { BufferedLine } from "./logs-buffer.ts";

const DAY_MS = 86_400_000;
/** Lines removed in one transaction. */
const BATCH = 1000;
/** Lines written in one transaction. */
const BATCH_ROWS = 100;
/** The part of a ring that may be written before its end is looked for again. */
const SLACK = 0.1;

/** How many lines of each site there are beyond what its ring keeps, or less than none; what is not in it is counted first. */
export type RingState = Map<number, number>;

/**
 * Writes lines of sites that are there, some at a time, between which requests are answered; cuts the rings that are full.
 * What is written is taken out of `lines`, so that where it throws the rest is left in there.
 *
 * @returns the ids of the sites that got lines
 */
export async function writeLines(
  ctx: Ctx,
  ring: RingState,
  lines: BufferedLine[],
): Promise<ReadonlySet<number>> {
  const sitesWritten = new Set<number>();
  while (lines.length > 0) {
    const some = lines.slice(0, BATCH_ROWS);
    const ids = await ctx.db.lossy((tx) => writeSome(ctx, tx, ring, some));
    for (const id of ids) sitesWritten.add(id);
    lines.splice(0, some.length);
    if (lines.length > 0) await giveWay();
  }
  return sitesWritten;
}

async function writeSome(
  ctx: Ctx,
  tx: LossyTx,
  ring: RingState,
  lines: readonly BufferedLine[],
): Promise<Iterable<number>> {
  const idOf = await findSites(tx, lines);
  const written = new Map<number, number>();
  const rows = lines.flatMap(({ site, at, level, kind, requestId, message, json }) => {
    const id = idOf.get(site);
    if (id === undefined) return [];
    written.set(id, (written.get(id) ?? 0) + 1);
    return [[id, at, level, kind, requestId, message, json]];
  });
  if (rows.length > 0)
    await tx.insert(siteLogs).select(sql`
      SELECT NULL, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
      FROM json_each(${JSON.stringify(rows)}) WHERE true ORDER BY key`);
  await cutRings(ctx, tx, ring, written);
  return written.keys();
}

/** The ids of the sites of lines, by what the lines call them. */
async function findSites(
  tx: LossyTx,
  lines: readonly BufferedLine[],
): Promise<ReadonlyMap<number | string, number>> {
  const named = JSON.stringify([...new Set(lines.map(({ site }) => site))]);
  const rows = await tx
    .select({ id: sites.id, name: sites.name })
    .from(sites)
    .where(
      sql`${sites.id} IN (SELECT value FROM json_each(${named}) WHERE type = 'integer')
        OR ${sites.name} IN (SELECT value FROM json_each(${named}) WHERE type = 'text')`,
    );
  return new Map<number | string, number>(
    rows.flatMap(({ id, name }) => [[id, id] as const, [name, id] as const]),
  );
}

/** Cuts the rings that may have come to their end. One question tells how far those are that nothing is known of. */
async function cutRings(
  ctx: Ctx,
  tx: LossyTx,
  ring: RingState,
  written: ReadonlyMap<number, number>,
): Promise<void> {
  const keep = ctx.config["logs.lines"];
  const unknown = [...written.keys()].filter((id) => !ring.has(id));
  if (unknown.length > 0) {
    const rows = await tx
      .select({ id: siteLogs.siteId, lines: count() })
      .from(siteLogs)
      .where(sql`${siteLogs.siteId} IN (SELECT value FROM json_each(${JSON.stringify(unknown)}))`)
      .groupBy(siteLogs.siteId);
    // What was written just now is among them.
    for (const { id, lines } of rows) ring.set(id, lines - keep - (written.get(id) ?? 0));
  }
  for (const [id, lines] of written) {
    const since = (ring.get(id) ?? 0) + lines;
    ring.set(id, since);
    if (since > keep * SLACK) await cutRing(tx, ring, id, keep);
  }
}

async function cutRing(tx: LossyTx, ring: RingState, id: number, keep: number): Promise<void> {
  const [last] = await tx
    .select({ id: siteLogs.id })
    .from(siteLogs)
    .where(eq(siteLogs.siteId, id))
    .orderBy(desc(siteLogs.id))
    .limit(1)
    .offset(keep);
  if (last)
    await tx.delete(siteLogs).where(and(eq(siteLogs.siteId, id), lte(siteLogs.id, last.id)));
  ring.set(id, 0);
}

/** Removes lines older than `logs.days`. Lines are numbered in the order of time, so the old ones are the first. */
export async function dropOldLines(ctx: Ctx): Promise<void> {
  const before = ctx.now().getTime() - ctx.config["logs.days"] * DAY_MS;
  let removed = BATCH;
  while (removed === BATCH)
    removed = await ctx.db.transaction(async (tx) => {
      const first = await tx
        .select({ id: siteLogs.id, at: siteLogs.at })
        .from(siteLogs)
        .orderBy(asc(siteLogs.id))
        .limit(BATCH);
      const kept = first.findIndex(({ at }) => at.getTime() >= before);
      const old = kept === -1 ? first : first.slice(0, kept);
      const last = old.at(-1);
      if (last) await tx.delete(siteLogs).where(lte(siteLogs.id, last.id));
      return old.length;
    });
}
