/**
 * `src/sites` is sites: making them, deploys, releases, domains, logs, and serving them to visitors.
 * Its routes, pages and the server's edge call it. It must never serve a byte that is not in a deploy's manifest.
 */
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

import type { DeployId, Digest, SiteName } from "#base/names.ts";

import type { Cron, DomainState, LogKind, LogLevel, Protection, Role } from "./model.ts";

const time = (name: string) => integer(name, { mode: "timestamp_ms" });
const flag = (name: string) => integer(name, { mode: "boolean" });

/** Sites by name; `liveDeploy` is what visitors get. */
export const sites = sqliteTable("sites", {
  id: integer().primaryKey(),
  name: text().$type<SiteName>().notNull(),
  createdBy: integer("created_by"),
  liveDeploy: text("live_deploy").$type<DeployId>(),
  protection: text().$type<Protection>().notNull().default("none"),
  passwordHash: text("password_hash"),
  gateVersion: integer("gate_version").notNull().default(1),
  maintenance: flag("maintenance").notNull().default(false),
  keyPrograms: flag("key_programs").notNull().default(false),
  quotaBytes: integer("quota_bytes"),
  quotaFiles: integer("quota_files"),
  requestsPerMinute: integer("requests_per_minute"),
  usedBytes: integer("used_bytes").notNull().default(0),
  createdAt: time("created_at").notNull(),
  updatedAt: time("updated_at").notNull(),
});

/** The last id that a site got; one row. */
export const siteIds = sqliteTable("site_ids", {
  one: integer().primaryKey(),
  last: integer().notNull(),
});

/** Who may do what with a site. */
export const siteMembers = sqliteTable(
  "site_members",
  {
    siteId: integer("site_id").notNull(),
    userId: integer("user_id").notNull(),
    role: text().$type<Role>().notNull(),
    addedAt: time("added_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.userId] })],
);

/** Names of removed sites, held for those who owned them. */
export const heldNames = sqliteTable(
  "held_names",
  {
    name: text().$type<SiteName>().notNull(),
    userId: integer("user_id").notNull(),
    until: time("until").notNull(),
  },
  (table) => [primaryKey({ columns: [table.name, table.userId] })],
);

/** Deploys: their files never change once `state` is ready. */
export const deploys = sqliteTable("deploys", {
  id: text().$type<DeployId>().primaryKey(),
  siteId: integer("site_id").notNull(),
  state: text().$type<"uploading" | "ready">().notNull(),
  draft: flag("draft").notNull().default(false),
  message: text().notNull().default(""),
  source: text().$type<"api" | "archive" | "browser">().notNull(),
  fileCount: integer("file_count").notNull().default(0),
  sizeBytes: integer("size_bytes").notNull().default(0),
  warnings: text({ mode: "json" }).$type<string[]>().notNull().default([]),
  createdAt: time("created_at").notNull(),
  createdBy: integer("created_by"),
  keyName: text("key_name"),
  keyId: text("key_id"),
  finishedAt: time("finished_at"),
  releasedAt: time("released_at"),
});

/** The manifest of each deploy. */
export const deployFiles = sqliteTable(
  "deploy_files",
  {
    deployId: text("deploy_id").$type<DeployId>().notNull(),
    path: text().notNull(),
    digest: text().$type<Digest>().notNull(),
    sizeBytes: integer("size_bytes").notNull(),
  },
  (table) => [primaryKey({ columns: [table.deployId, table.path] })],
);

/** The program of a deploy; its bytes are files of the deploy under `.land/`. */
export const deployPrograms = sqliteTable("deploy_programs", {
  deployId: text("deploy_id").$type<DeployId>().primaryKey(),
  name: text().notNull(),
  language: text().$type<"js" | "ts">().notNull(),
  digest: text().$type<Digest>().notNull(),
  sizeBytes: integer("size_bytes").notNull(),
  mapDigest: text("map_digest").$type<Digest>(),
  routes: text({ mode: "json" }).$type<string[]>().notNull().default([]),
  crons: text({ mode: "json" }).$type<Cron[]>().notNull().default([]),
  /** Null: its code decides. */
  database: flag("database"),
  byKey: flag("by_key").notNull().default(false),
});

/** The blobs of a site's finished deploys, with the number of deploys that hold each. */
export const siteBlobs = sqliteTable(
  "site_blobs",
  {
    siteId: integer("site_id").notNull(),
    digest: text().$type<Digest>().notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    deploys: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.digest] })],
);

/** Blobs that an account sent lately. */
export const uploads = sqliteTable(
  "uploads",
  {
    userId: integer("user_id").notNull(),
    digest: text().$type<Digest>().notNull(),
    /** Empty: the account itself. */
    keyId: text("key_id").notNull().default(""),
    sizeBytes: integer("size_bytes").notNull(),
    at: time("at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.digest, table.keyId] })],
);

/** Every time a deploy went live, oldest first. */
export const releases = sqliteTable("releases", {
  id: integer().primaryKey(),
  siteId: integer("site_id").notNull(),
  deployId: text("deploy_id").$type<DeployId>().notNull(),
  at: time("at").notNull(),
  by: integer("by"),
  keyName: text("key_name"),
});

/** Blobs in a content coding; `variant` null: it does not get smaller. */
export const variants = sqliteTable(
  "variants",
  {
    digest: text().$type<Digest>().notNull(),
    encoding: text().$type<"br" | "zstd" | "gzip">().notNull(),
    variant: text().$type<Digest>(),
    sizeBytes: integer("size_bytes").notNull(),
    best: flag("best").notNull(),
  },
  (table) => [primaryKey({ columns: [table.digest, table.encoding] })],
);

/** Custom domains. */
export const domains = sqliteTable(
  "domains",
  {
    host: text().notNull(),
    siteId: integer("site_id").notNull(),
    userId: integer("user_id").notNull(),
    proof: text().notNull(),
    state: text().$type<DomainState>().notNull(),
    problem: text(),
    createdAt: time("created_at").notNull(),
    verifiedAt: time("verified_at"),
    checkedAt: time("checked_at"),
    failingSince: time("failing_since"),
  },
  (table) => [primaryKey({ columns: [table.host, table.siteId] })],
);

/** The log of each site, a bounded ring. */
export const siteLogs = sqliteTable("site_logs", {
  id: integer().primaryKey({ autoIncrement: true }),
  siteId: integer("site_id").notNull(),
  at: time("at").notNull(),
  level: text().$type<LogLevel>().notNull(),
  kind: text().$type<LogKind>().notNull(),
  requestId: text("request_id"),
  message: text().notNull(),
  data: text({ mode: "json" }).$type<Record<string, unknown>>().notNull().default({}),
});
