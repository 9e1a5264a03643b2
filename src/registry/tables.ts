/**
 * `src/registry` is packages: publish, read, search, yank, tags, owners, the index and the archives.
 * Its routes, the npm protocol, pages and sites call its verbs. It must never take metadata from anything but the archive.
 */
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

import type { Digest, PackageName, Tag, Version } from "#base/names.ts";

import type { Metadata } from "./metadata.ts";

const time = (name: string) => integer(name, { mode: "timestamp_ms" });

/** Packages by name; `latest` is the version that a bare name means. */
export const packages = sqliteTable("packages", {
  id: integer().primaryKey(),
  name: text().$type<PackageName>().notNull(),
  canonical: text().notNull(),
  revision: integer().notNull().default(1),
  description: text().notNull().default(""),
  keywords: text({ mode: "json" }).$type<string[]>().notNull().default([]),
  latest: text().$type<Version>(),
  downloads: integer().notNull().default(0),
  createdAt: time("created_at").notNull(),
  updatedAt: time("updated_at").notNull(),
});

/** Who may publish and yank. */
export const packageOwners = sqliteTable(
  "package_owners",
  {
    packageId: integer("package_id").notNull(),
    userId: integer("user_id").notNull(),
    addedAt: time("added_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.packageId, table.userId] })],
);

/** Published versions; a row never goes, and only yanked, deprecated and downloads change. */
export const versions = sqliteTable("versions", {
  id: integer().primaryKey(),
  packageId: integer("package_id").notNull(),
  version: text().$type<Version>().notNull(),
  digest: text().$type<Digest>().notNull(),
  integrity: text().notNull(),
  blake3: text().notNull(),
  sizeBytes: integer("size_bytes").notNull(),
  unpackedBytes: integer("unpacked_bytes").notNull(),
  fileCount: integer("file_count").notNull(),
  metadata: text({ mode: "json" }).$type<Metadata>().notNull(),
  signingKey: text("signing_key"),
  signature: text(),
  yankedAt: time("yanked_at"),
  deprecated: text(),
  publishedAt: time("published_at").notNull(),
  publishedBy: integer("published_by"),
  downloads: integer().notNull().default(0),
  manifest: text().notNull(),
  readme: text(),
  readmePath: text("readme_path"),
});

/** Dist-tags set by hand. */
export const tags = sqliteTable(
  "tags",
  {
    packageId: integer("package_id").notNull(),
    tag: text().$type<Tag>().notNull(),
    version: text().$type<Version>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.packageId, table.tag] })],
);

/** What the latest version of each package requires. */
export const dependencies = sqliteTable("dependencies", {
  packageId: integer("package_id").notNull(),
  name: text().notNull(),
  range: text().notNull(),
  kind: text({ enum: ["normal", "optional", "peer"] }).notNull(),
});

/** Downloads per package and UTC day. */
export const downloadsByDay = sqliteTable(
  "downloads_by_day",
  {
    packageId: integer("package_id").notNull(),
    day: text().notNull(),
    count: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.packageId, table.day] })],
);

/** Full text; `id` is that of the package. */
export const packageWords = sqliteTable("package_words", {
  id: integer("rowid").primaryKey(),
  name: text().notNull(),
  keywords: text().notNull(),
  description: text().notNull(),
});

/** Names by their trigrams; `id` is that of the package. */
export const packageTrigrams = sqliteTable("package_trigrams", {
  id: integer("rowid").primaryKey(),
  name: text().notNull(),
});

/** Names with one letter left out, to find those with typos. */
export const packageSpellings = sqliteTable("package_spellings", {
  spelling: text().notNull(),
  packageId: integer("package_id").notNull(),
});
