import { and, count, eq, inArray, type SQL, sql } from "drizzle-orm";

import { printable } from "#base/names.ts";
import { giveWay } from "#base/slices.ts";
import { parseHost } from "#http/host.ts";
import type { Ctx } from "#store/ctx.ts";
import type { LossyTx } from "#store/lossy.ts";

import { dayOfHour } from "./calendar.ts";
import type { CountryOf } from "./countries.ts";
import { type ItemKind, siteIds, trafficHours, trafficItems, trafficVisitors } from "./tables.ts";
import { type Count, OTHER, type SiteTally, type TallyPart } from "./tally.ts";
import { readSalt, visitorHash } from "./visitors.ts";

/** Paths, and referrers, that are told apart of a site on one day. */
const MAX_ITEMS = 1000;
/** Rows that go into one statement. Between two, requests are answered. */
const BATCH = 300;
/** Sites that are written at once. */
const BATCH_SITES = 100;

/**
 * How many paths and referrers each site has on a day, at most: so that they need not be counted each second. Too high a number
 * is harmless, since it is counted anew before anything is refused.
 */
export type Known = { day: number; path: Map<number, number>; referrer: Map<number, number> };

type Row = readonly (number | string)[];

/** Writes what visits of one hour added up to. Sites that were removed since are left out. */
export async function writeTally(
  ctx: Ctx,
  tx: LossyTx,
  tally: TallyPart,
  { countryOf, known }: { countryOf: CountryOf | undefined; known: Known },
): Promise<void> {
  const ids = await tx
    .select({ id: siteIds.id })
    .from(siteIds)
    .where(
      sql`${siteIds.id} IN (SELECT value FROM json_each(${JSON.stringify([...tally.sites.keys()])}))`,
    );
  const sites = ids.flatMap(({ id }) => {
    const site = tally.sites.get(id);
    return site ? [[id, site] as const] : [];
  });
  const day = dayOfHour(tally.hour);
  const salt = await readSalt(ctx, tx, day);
  for await (const some of batches(sites, BATCH_SITES)) {
    const visitors = await writeVisitors(tx, { day, salt }, some);
    await writeHours(tx, tally.hour, some, visitors);
    await writeItems(tx, day, some, { countryOf, known });
  }
}

type Sites = readonly (readonly [id: number, site: SiteTally])[];

/** How many of each site come for the first time today. */
async function writeVisitors(
  tx: LossyTx,
  { day, salt }: { day: number; salt: Uint8Array },
  sites: Sites,
): Promise<ReadonlyMap<number, number>> {
  const rows: Row[] = [];
  for (const [id, site] of sites)
    for (const [agent, visitors] of site.agents)
      for (const address of visitors.keys())
        rows.push([day, id, visitorHash(salt, id, address, agent)]);
  const fresh = new Map<number, number>();
  for await (const batch of batches(rows, BATCH)) {
    const written = await tx
      .insert(trafficVisitors)
      .select(valuesOf(batch, 3))
      .onConflictDoNothing()
      .returning({ id: trafficVisitors.siteId });
    for (const { id } of written) fresh.set(id, (fresh.get(id) ?? 0) + 1);
  }
  return fresh;
}

async function writeHours(
  tx: LossyTx,
  hour: number,
  sites: Sites,
  visitors: ReadonlyMap<number, number>,
): Promise<void> {
  const { requests, pages, visitors: came, bytes, bots } = trafficHours;
  const rows = sites.map(([id, site]): Row => {
    return [id, hour, site.requests, site.pages, visitors.get(id) ?? 0, site.bytes, site.bots];
  });
  for await (const batch of batches(rows, BATCH))
    await tx
      .insert(trafficHours)
      .select(valuesOf(batch, 7))
      .onConflictDoUpdate({
        target: [trafficHours.siteId, trafficHours.hour],
        set: {
          requests: sql`${requests} + excluded.requests`,
          pages: sql`${pages} + excluded.pages`,
          visitors: sql`${came} + excluded.visitors`,
          bytes: sql`${bytes} + excluded.bytes`,
          bots: sql`${bots} + excluded.bots`,
        },
      });
}

async function writeItems(
  tx: LossyTx,
  day: number,
  sites: Sites,
  { countryOf, known }: { countryOf: CountryOf | undefined; known: Known },
): Promise<void> {
  await countKnown(tx, day, sites, known);
  const rows: Row[] = [];
  for (const [id, site] of sites)
    for (const [kind, counts] of itemsOf(site, countryOf)) {
      const kept =
        kind === "path" || kind === "referrer"
          ? await limitItems(tx, { day, id, kind, counts }, known)
          : counts;
      for (const [item, { count: times, bytes }] of kept)
        rows.push([id, day, kind, item, times, bytes]);
    }
  for await (const batch of batches(rows, BATCH))
    await tx
      .insert(trafficItems)
      .select(valuesOf(batch, 6))
      .onConflictDoUpdate({
        target: [trafficItems.siteId, trafficItems.day, trafficItems.kind, trafficItems.item],
        set: {
          count: sql`${trafficItems.count} + excluded.count`,
          bytes: sql`${trafficItems.bytes} + excluded.bytes`,
        },
      });
}

/** Fills `known` for the sites that are not in it. */
async function countKnown(tx: LossyTx, day: number, sites: Sites, known: Known): Promise<void> {
  if (known.day !== day) {
    known.day = day;
    known.path.clear();
    known.referrer.clear();
  }
  const unknown = sites.map(([id]) => id).filter((id) => !known.path.has(id));
  if (unknown.length === 0) return;
  const { siteId, kind } = trafficItems;
  const rows = await tx
    .select({ siteId, kind, items: count() })
    .from(trafficItems)
    .where(
      and(
        sql`${siteId} IN (SELECT value FROM json_each(${JSON.stringify(unknown)}))`,
        eq(trafficItems.day, day),
        inArray(kind, ["path", "referrer"]),
      ),
    )
    .groupBy(siteId, kind);
  // Of most sites there are no referrers: those that are not in it have none.
  for (const id of unknown) known.path.set(id, 0);
  for (const row of rows)
    if (row.kind === "path" || row.kind === "referrer") known[row.kind].set(row.siteId, row.items);
}

type Candidates = {
  day: number;
  id: number;
  kind: "path" | "referrer";
  counts: Map<string, Count>;
};

/** The counts, with those that find no room on that day added up as `(other)`. */
async function limitItems(
  tx: LossyTx,
  { day, id, kind, counts }: Candidates,
  known: Known,
): Promise<Map<string, Count>> {
  if (counts.size === 0) return counts;
  const most = (known[kind].get(id) ?? 0) + counts.size;
  known[kind].set(id, most);
  if (most <= MAX_ITEMS) return counts;
  const rows = await tx
    .select({ item: trafficItems.item })
    .from(trafficItems)
    .where(
      and(eq(trafficItems.siteId, id), eq(trafficItems.day, day), eq(trafficItems.kind, kind)),
    );
  const there = new Set(rows.map(({ item }) => item));
  const kept = new Map<string, Count>();
  for (const [item, counted] of counts) {
    const room = there.has(item) || there.size < MAX_ITEMS;
    if (room) there.add(item);
    add(kept, room ? item : OTHER, counted);
  }
  known[kind].set(id, there.size);
  return kept;
}

/** The items of a site that has some, cleaned: what comes from outside is printable, and own referrers are none. */
function* itemsOf(
  site: SiteTally,
  countryOf: CountryOf | undefined,
): Generator<[kind: ItemKind, counts: Map<string, Count>]> {
  const paths = new Map<string, Count>();
  for (const [path, counted] of site.paths) add(paths, cleanPath(path), counted);
  if (paths.size > 0) yield ["path", paths];
  if (site.referrers.size > 0) yield ["referrer", referrersOf(site)];
  const statuses = new Map<string, Count>();
  for (const [status, counted] of site.statuses) add(statuses, String(status), counted);
  if (statuses.size > 0) yield ["status", statuses];
  if (countryOf) yield ["country", countriesOf(site, countryOf)];
}

function referrersOf(site: SiteTally): Map<string, Count> {
  const referrers = new Map<string, Count>();
  for (const [own, named] of site.referrers)
    for (const [authority, counted] of named) {
      const host = authority === OTHER ? OTHER : parseHost(authority);
      if (host !== undefined && host !== (parseHost(own) ?? own)) add(referrers, host, counted);
    }
  return referrers;
}

function countriesOf(site: SiteTally, countryOf: CountryOf): Map<string, Count> {
  const countries = new Map<string, Count>();
  for (const visitors of site.agents.values())
    for (const [address, counted] of visitors) {
      const country = countryOf(address);
      if (country !== undefined) add(countries, country, counted);
    }
  return countries;
}

/** Without a query, should there be one after all: it may hold secrets. */
function cleanPath(path: string): string {
  return path === OTHER ? OTHER : printable(path.replace(/[?#].*$/s, "").toWellFormed());
}

function add(counts: Map<string, Count>, item: string, { count: times, bytes }: Count): void {
  const known = counts.get(item);
  if (known) {
    known.count += times;
    known.bytes += bytes;
  } else counts.set(item, { count: times, bytes });
}

/** Rows as a SELECT with one parameter: ten times as fast as one parameter a value. The WHERE is for SQLite's parser. */
function valuesOf(rows: readonly Row[], columns: number): SQL {
  const values = Array.from({ length: columns }, (_, at) => sql.raw(`value ->> ${at}`));
  return sql`SELECT ${sql.join(values, sql`, `)} FROM json_each(${JSON.stringify(rows)}) WHERE true`;
}

/** A list in batches, between which the event loop turns. */
async function* batches<T>(list: readonly T[], size: number): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) {
    if (at > 0) await giveWay();
    yield list.slice(at, at + size);
  }
}
