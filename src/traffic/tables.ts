import { blob, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What is counted by item. */
export type ItemKind = "path" | "referrer" | "status" | "country";

/** Counts by site and hour since 1970 UTC. */
export const trafficHours = sqliteTable(
  "traffic_hours",
  {
    siteId: integer("site_id").notNull(),
    hour: integer().notNull(),
    requests: integer().notNull(),
    pages: integer().notNull(),
    visitors: integer().notNull(),
    bytes: integer().notNull(),
    bots: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.hour] })],
);

/** Counts by site, day since 1970 UTC and item. */
export const trafficItems = sqliteTable(
  "traffic_items",
  {
    siteId: integer("site_id").notNull(),
    day: integer().notNull(),
    kind: text().$type<ItemKind>().notNull(),
    item: text().notNull(),
    count: integer().notNull(),
    bytes: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.day, table.kind, table.item] })],
);

/** Who came on a day, by a hash that nobody can make again once the day's salt is gone. */
export const trafficVisitors = sqliteTable(
  "traffic_visitors",
  {
    day: integer().notNull(),
    siteId: integer("site_id").notNull(),
    hash: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.siteId, table.hash] })],
);

/** The salt of each day. */
export const trafficSalts = sqliteTable("traffic_salts", {
  day: integer().primaryKey(),
  salt: blob({ mode: "buffer" }).notNull(),
});

/**
 * The ids of all sites: what was counted for one that was removed since cannot be written. The column is named by hand:
 * drizzle remembers the other names by table alone, and would then not know those of the sites' own description of it.
 */
export const siteIds = sqliteTable("sites", { id: integer("id").primaryKey() });
