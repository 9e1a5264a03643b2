import { blob, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

import type { DeployId } from "#base/names.ts";

import type { EnvKind, RunOutcome } from "./model.ts";

const time = (name: string) => integer(name, { mode: "timestamp_ms" });

/** Which sites there are. They belong to `src/sites`; see `src/traffic/tables.ts` for why the column is named by hand. */
export const siteIds = sqliteTable("sites", { id: integer("id").primaryKey() });

/** Variables and secrets of sites. */
export const siteEnv = sqliteTable(
  "site_env",
  {
    siteId: integer("site_id").notNull(),
    key: text().notNull(),
    kind: text().$type<EnvKind>().notNull(),
    sealed: blob({ mode: "buffer" }).notNull(),
    keyId: text("key_id").notNull(),
    updatedAt: time("updated_at").notNull(),
    updatedBy: integer("updated_by"),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.key] })],
);

/** When each schedule is due next. */
export const siteCrons = sqliteTable(
  "site_crons",
  {
    siteId: integer("site_id").notNull(),
    cron: text().notNull(),
    timeZone: text("time_zone").notNull(),
    nextAt: time("next_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.cron, table.timeZone] })],
);

/** What became of each time that a schedule was due. */
export const cronRuns = sqliteTable("cron_runs", {
  id: integer().primaryKey({ autoIncrement: true }),
  siteId: integer("site_id").notNull(),
  deployId: text("deploy_id").$type<DeployId>().notNull(),
  cron: text().notNull(),
  timeZone: text("time_zone").notNull(),
  dueAt: time("due_at").notNull(),
  attempt: integer().notNull(),
  startedAt: time("started_at").notNull(),
  endedAt: time("ended_at"),
  outcome: text().$type<RunOutcome>().notNull(),
  problem: text(),
  retryAt: time("retry_at"),
});

/** Where each site talked to, by day. */
export const siteEgress = sqliteTable(
  "site_egress",
  {
    siteId: integer("site_id").notNull(),
    day: integer().notNull(),
    host: text().notNull(),
    requests: integer().notNull(),
    refused: integer().notNull(),
    bytesOut: integer("bytes_out").notNull(),
    bytesIn: integer("bytes_in").notNull(),
    lastAt: time("last_at").notNull(),
    problem: text(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.day, table.host] })],
);

/** Settings of a site that concern its program alone. */
export const siteFunctions = sqliteTable("site_functions", {
  siteId: integer("site_id").primaryKey(),
  egressAllow: text("egress_allow", { mode: "json" }).$type<string[]>(),
  kvBytes: integer("kv_bytes"),
  diskBytes: integer("disk_bytes"),
  memoryBytes: integer("memory_bytes"),
});
