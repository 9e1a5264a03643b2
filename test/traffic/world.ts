import { sql } from "drizzle-orm";

import type { ServerConfig } from "#base/config.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { startTraffic, type TrafficRecorder } from "#traffic/record.ts";
import type { Visit } from "#traffic/visit.ts";

export const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
export const SAFARI =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15";

/** A data folder with the sites 1, 2 and 3, and a recorder over it. */
export type World = AsyncDisposable & {
  ctx: TestCtx;
  traffic: TrafficRecorder;
  /** Notes a visit of site 1 that differs from an ordinary one by `about`. */
  visit: (about?: Partial<Visit>) => void;
  rows: <Row>(table: string) => Promise<Row[]>;
};

/** An ordinary visit. */
export const VISIT: Visit = {
  siteId: 1,
  method: "GET",
  path: "/",
  status: 200,
  bytes: 100,
  isPage: true,
  address: () => "203.0.113.7",
  userAgent: FIREFOX,
  referrer: null,
  host: "blog.localhost",
};

export async function openWorld(config: Partial<ServerConfig> = {}): Promise<World> {
  const ctx = await testCtx({ config });
  await addSites(ctx, 3);
  const traffic = startTraffic(ctx);
  return {
    ctx,
    traffic,
    visit: (about = {}) => traffic.note({ ...VISIT, ...about }),
    rows: (table) => rowsOf(ctx, table),
    async [Symbol.asyncDispose]() {
      await traffic.stop();
      await ctx.close();
    },
  };
}

/** Makes the sites 1 to `count`. */
async function addSites(ctx: TestCtx, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, at) => at + 1);
  await ctx.db.transaction(async (tx) => {
    await tx.run(sql`
      INSERT INTO sites (id, name, created_at, updated_at)
      SELECT value, 'site' || value, 0, 0 FROM json_each(${JSON.stringify(ids)})`);
  });
}

/** All rows of a table. */
export async function rowsOf<Row>(ctx: TestCtx, table: string): Promise<Row[]> {
  return ctx.db.read.all<Row>(sql.raw(`SELECT * FROM ${table}`));
}

/** `path /a` → [count, bytes] of all items of a site, of all days. */
export async function itemsOf(
  ctx: TestCtx,
  siteId: number,
): Promise<Record<string, [count: number, bytes: number]>> {
  const rows = await ctx.db.read.all<{ kind: string; item: string; count: number; bytes: number }>(
    sql`SELECT kind, item, sum(count) AS count, sum(bytes) AS bytes FROM traffic_items
        WHERE site_id = ${siteId} GROUP BY kind, item`,
  );
  return Object.fromEntries(
    rows.map(({ kind, item, count, bytes }) => [`${kind} ${item}`, [count, bytes]]),
  );
}
