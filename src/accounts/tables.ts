/**
 * `src/accounts` is who may: users, tokens, sessions, invitations, signing keys, and the guard in front of every act.
 * Routes of all features, `web/` and `src/server/` call it. It must never keep a secret in clear, nor know a package.
 */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

import type { UserName } from "#base/names.ts";

const time = (name: string) => integer(name, { mode: "timestamp_ms" });

/** People with an account. */
export const users = sqliteTable("users", {
  id: integer().primaryKey(),
  name: text().$type<UserName>().notNull(),
  canonical: text().notNull(),
  email: text().notNull(),
  emailKey: text("email_key").notNull(),
  passwordHash: text("password_hash").notNull(),
  isAdmin: integer("is_admin", { mode: "boolean" }).notNull(),
  createdAt: time("created_at").notNull(),
});

/** Secrets for programs, by their hash. */
export const tokens = sqliteTable("tokens", {
  id: text().primaryKey(),
  userId: integer("user_id").notNull(),
  name: text().notNull(),
  hash: text().notNull(),
  scopes: text({ mode: "json" }).$type<string[]>().notNull(),
  createdAt: time("created_at").notNull(),
  expiresAt: time("expires_at"),
  lastUsedAt: time("last_used_at"),
  revokedAt: time("revoked_at"),
});

/** Browsers that are signed in, by the hash of their cookie. */
export const sessions = sqliteTable("sessions", {
  hash: text().primaryKey(),
  userId: integer("user_id").notNull(),
  createdAt: time("created_at").notNull(),
  expiresAt: time("expires_at").notNull(),
  lastUsedAt: time("last_used_at").notNull(),
});

/** Codes for one registration each, by their hash; `createdBy` null: the code for the first account. */
export const invites = sqliteTable("invites", {
  id: text().primaryKey(),
  hash: text().notNull(),
  note: text().notNull(),
  createdBy: integer("created_by"),
  createdAt: time("created_at").notNull(),
  expiresAt: time("expires_at"),
  usedBy: integer("used_by"),
  usedAt: time("used_at"),
});

/** Public keys that sign versions. */
export const signingKeys = sqliteTable("signing_keys", {
  key: text().primaryKey(),
  userId: integer("user_id").notNull(),
  name: text().notNull(),
  createdAt: time("created_at").notNull(),
  revokedAt: time("revoked_at"),
});
