import { and, asc, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { nameUsers } from "#accounts/users.ts";
import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { type Need, requireSite } from "#sites/rights.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { EnvEntry, EnvKind, EnvList } from "../model.ts";
import { siteEnv } from "../tables.ts";
import { parseEnvName, parseEnvValue, requireEnvRoom } from "./env-check.ts";
import { type EnvKeys, openValue, readEnvKeys, sealValue } from "./env-key.ts";

type Row = typeof siteEnv.$inferSelect;

const READ: Need = { action: "see the variables of", role: "developer", scope: "site" };
const WRITE: Need = { action: "change the variables of", role: "developer", scope: "site" };

/** The variables and secrets of a site, by name; secrets without their values. @throws unauthenticated, scope_missing, site_not_found, site_role, sealed_unreadable */
export async function listEnv(ctx: Ctx, actor: Actor | undefined, name: string): Promise<EnvList> {
  const { site } = await requireSite(ctx, actor, name, READ);
  const keys = await readEnvKeys(ctx);
  return { items: await toEntries(ctx, keys, await readRows(ctx.db.read, site.id)) };
}

/**
 * Sets a variable, or a secret unless `kind` says otherwise. Programs have it at their next request.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, env_invalid, sealed_unreadable
 */
export async function setEnv(
  ctx: Ctx,
  actor: Actor | undefined,
  { site, key }: { site: string; key: string },
  { value, kind }: { value: string; kind?: EnvKind | undefined },
): Promise<EnvEntry> {
  const { items } = await importEnv(ctx, actor, site, { values: { [key]: value }, kind });
  const entry = items.find((one) => one.key === key);
  if (!entry) throw new Error("a variable that was set is not there");
  return entry;
}

/**
 * Sets several, all or none. Those not named stay.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, env_invalid, sealed_unreadable
 */
export async function importEnv(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  {
    values,
    kind = "secret",
  }: { values: Readonly<Record<string, string>>; kind?: EnvKind | undefined },
): Promise<EnvList> {
  // Before anything is told of what was sent.
  await requireSite(ctx, actor, name, WRITE);
  const given = Object.entries(values).map(
    ([key, value]) => [parseEnvName(key), parseEnvValue(key, value)] as const,
  );
  const keys = await readEnvKeys(ctx);
  const rows = await ctx.db.transaction(async (tx) => {
    const { site, actor: by } = await requireSite(ctx, actor, name, WRITE);
    const all = openAll(keys, await readRows(tx, site.id));
    for (const [key, value] of given) all.set(key, value);
    requireEnvRoom(all, given.at(-1)?.[0] ?? "", ctx.config["functions.env"]);
    for (const [key, value] of given) {
      const row = {
        ...sealValue(keys, site.id, key, value),
        kind,
        updatedAt: ctx.now(),
        updatedBy: by.userId,
      };
      await tx
        .insert(siteEnv)
        .values({ siteId: site.id, key, ...row })
        .onConflictDoUpdate({ target: [siteEnv.siteId, siteEnv.key], set: row });
    }
    return readRows(tx, site.id);
  });
  if (given.length > 0) ctx.hooks.emit("site.env", { site: name });
  return { items: await toEntries(ctx, keys, rows) };
}

/** Takes a variable or secret away. @throws unauthenticated, scope_missing, site_not_found, site_role, env_not_found */
export async function unsetEnv(
  ctx: Ctx,
  actor: Actor | undefined,
  { site: name, key }: { site: string; key: string },
): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const { site } = await requireSite(ctx, actor, name, WRITE);
    const removed = await tx
      .delete(siteEnv)
      .where(and(eq(siteEnv.siteId, site.id), eq(siteEnv.key, key)))
      .returning({ key: siteEnv.key });
    if (removed.length === 0)
      throw fail("env_not_found", { site: name, key: printable(key.slice(0, 128)) });
  });
  ctx.hooks.emit("site.env", { site: name });
}

/** All variables and secrets of a site in clear, for its programs alone. @throws sealed_unreadable, file_failed */
export async function envOf(ctx: Ctx, siteId: number): Promise<Record<string, string>> {
  const rows = await readRows(ctx.db.read, siteId);
  if (rows.length === 0) return {};
  return Object.fromEntries(openAll(await readEnvKeys(ctx), rows));
}

function readRows(tx: Tx, siteId: number): Promise<Row[]> {
  return tx.select().from(siteEnv).where(eq(siteEnv.siteId, siteId)).orderBy(asc(siteEnv.key));
}

function openAll(keys: EnvKeys, rows: readonly Row[]): Map<string, string> {
  return new Map(rows.map((row) => [row.key, openValue(keys, row.siteId, row.key, row)]));
}

async function toEntries(ctx: Ctx, keys: EnvKeys, rows: readonly Row[]): Promise<EnvEntry[]> {
  const names = await nameUsers(
    ctx,
    rows.flatMap(({ updatedBy }) => updatedBy ?? []),
  );
  return rows.map((row) => ({
    key: row.key,
    kind: row.kind,
    value: row.kind === "secret" ? null : openValue(keys, row.siteId, row.key, row),
    updatedAt: row.updatedAt.toISOString(),
    updatedBy: row.updatedBy === null ? null : (names.get(row.updatedBy) ?? null),
  }));
}
