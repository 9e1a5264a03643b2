import { blob, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

const time = (name: string) => integer(name, { mode: "timestamp_ms" });
const bytes = (name: string) => blob(name, { mode: "buffer" });

/** Certificates of an ACME authority by the name they were asked for: a host, or `*.domain`. */
export const certificates = sqliteTable("certificates", {
  name: text().primaryKey(),
  names: text({ mode: "json" }).$type<string[]>().notNull(),
  chain: text().notNull(),
  sealedKey: bytes("sealed_key").notNull(),
  notBefore: time("not_before").notNull(),
  notAfter: time("not_after").notNull(),
  issuer: text().notNull(),
  issuedAt: time("issued_at").notNull(),
});

/** The account at each directory. */
export const acmeAccounts = sqliteTable("acme_accounts", {
  directory: text().primaryKey(),
  url: text().notNull(),
  sealedKey: bytes("sealed_key").notNull(),
  createdAt: time("created_at").notNull(),
});

/** Open HTTP-01 challenges. */
export const acmeChallenges = sqliteTable("acme_challenges", {
  token: text().primaryKey(),
  host: text().notNull(),
  authorization: text().notNull(),
  createdAt: time("created_at").notNull(),
});

/** Names whose last attempt failed, and when the next one may be. */
export const acmeAttempts = sqliteTable("acme_attempts", {
  name: text().primaryKey(),
  failures: integer().notNull(),
  lastAt: time("last_at").notNull(),
  nextAt: time("next_at").notNull(),
  problem: text().notNull(),
});
