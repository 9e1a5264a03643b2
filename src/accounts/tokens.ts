import { and, eq, isNull, lte, type SQL, sql } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { hashSecret, makeTokenSecret } from "#base/tokens.ts";
import { type Page, type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Actor } from "./actor.ts";
import { requireAccountScope, requireScope } from "./guard.ts";
import type { NewToken, TokenBody, TokenInfo } from "./model.ts";
import { newestFirst, olderThan } from "./newest.ts";
import { tokens } from "./tables.ts";

type Row = typeof tokens.$inferSelect;

const DAY_MS = 86_400_000;
/** A login token lives this long; signing in again makes another. */
const LOGIN_DAYS = 90;

/**
 * Makes a token for a program. It never lives longer than the token that makes it: without `expiresInDays` it ends with that
 * one, or never where a website session makes it. The scopes are a part of what the maker may.
 *
 * @throws unauthenticated, scope_missing, forbidden, invalid_input
 */
export async function createToken(
  ctx: Ctx,
  actor: Actor | undefined,
  body: TokenBody,
): Promise<NewToken> {
  const maker = requireAccountScope(actor, "make a token");
  for (const scope of body.scopes) requireScope(maker, `make a token with "${scope}"`, scope);
  const name = body.name.trim();
  if (name === "" || printable(name) !== name)
    throw fail("invalid_input", { field: "name", problem: "use visible characters" });
  return storeToken(ctx, maker.userId, {
    name,
    scopes: [...new Set(body.scopes)],
    expiresAt: endOf(ctx, maker, body.expiresInDays),
  });
}

/** Makes the token that signing in answers with: everything the account may, for 90 days, named by day and program. */
export function createLoginToken(
  ctx: Ctx,
  userId: number,
  userAgent: string | null,
): Promise<NewToken> {
  const now = ctx.now();
  const program = printable(userAgent?.split(" ", 1)[0] ?? "").slice(0, 32);
  return storeToken(ctx, userId, {
    name: `login ${now.toISOString().slice(0, 10)}${program === "" ? "" : ` from ${program}`}`,
    scopes: ["account"],
    expiresAt: new Date(now.getTime() + LOGIN_DAYS * DAY_MS),
  });
}

/** The tokens of an account that were not revoked, newest first. @throws unauthenticated, scope_missing */
export async function listTokens(
  ctx: Ctx,
  actor: Actor | undefined,
  page: PageRequest,
): Promise<Page<TokenInfo>> {
  const { userId } = requireAccountScope(actor, "list tokens");
  return listWhere(ctx, userId, page);
}

/** The tokens of an account that have no scope but those of `scopes` and were not revoked, newest first. */
export function listTokensWithin(
  ctx: Ctx,
  userId: number,
  scopes: readonly string[],
  page: PageRequest,
): Promise<Page<TokenInfo>> {
  const listed = sql.join(
    scopes.map((scope) => sql`${scope}`),
    sql`, `,
  );
  const foreign = sql`SELECT 1 FROM json_each(${tokens.scopes}) WHERE value NOT IN (${listed})`;
  return listWhere(ctx, userId, page, sql`NOT EXISTS (${foreign})`);
}

async function listWhere(
  ctx: Ctx,
  userId: number,
  page: PageRequest,
  only?: SQL,
): Promise<Page<TokenInfo>> {
  const rows = await ctx.db.read
    .select()
    .from(tokens)
    .where(
      and(
        eq(tokens.userId, userId),
        isNull(tokens.revokedAt),
        olderThan(tokens.createdAt, tokens.id, page.cursor),
        only,
      ),
    )
    .orderBy(newestFirst(tokens.createdAt, tokens.id))
    .limit(page.limit + 1);
  return toPage(rows, page, toInfo, (row) => [row.createdAt.getTime(), row.id]);
}

/**
 * Revokes a token of the own account: from the next request on it is nobody. A token may always revoke itself.
 *
 * @throws unauthenticated, scope_missing, not_found
 */
export async function revokeToken(ctx: Ctx, actor: Actor | undefined, id: string): Promise<void> {
  const self = actor?.via.kind === "token" && actor.via.id === id;
  const { userId } = self ? actor : requireAccountScope(actor, "revoke a token");
  const revoked = await ctx.db.transaction((tx) =>
    tx
      .update(tokens)
      .set({ revokedAt: ctx.now() })
      .where(and(eq(tokens.id, id), eq(tokens.userId, userId), isNull(tokens.revokedAt)))
      .returning({ id: tokens.id }),
  );
  if (revoked.length === 0) throw fail("not_found", { what: `token "${printable(id)}"` });
}

async function storeToken(
  ctx: Ctx,
  userId: number,
  token: Pick<Row, "name" | "scopes" | "expiresAt">,
): Promise<NewToken> {
  const secret = makeTokenSecret(ctx.random);
  const row: Row = {
    id: Buffer.from(ctx.random(8)).toString("hex"),
    userId,
    hash: hashSecret(secret),
    createdAt: ctx.now(),
    lastUsedAt: null,
    revokedAt: null,
    ...token,
  };
  await ctx.db.transaction(async (tx) => {
    // Login tokens would pile up: what ended is of no use to anyone.
    await tx
      .delete(tokens)
      .where(and(eq(tokens.userId, userId), lte(tokens.expiresAt, row.createdAt)));
    await tx.insert(tokens).values(row);
  });
  return { ...toInfo(row), token: secret };
}

function endOf(ctx: Ctx, maker: Actor, days: number | undefined): Date | null {
  const limit = maker.via.kind === "token" ? maker.via.expiresAt : null;
  if (days === undefined) return limit;
  const end = new Date(ctx.now().getTime() + days * DAY_MS);
  if (limit && end > limit)
    throw fail("forbidden", {
      action: `make a token for ${days} days`,
      reason: `the token you use ends at ${limit.toISOString()}, and none may outlive its maker`,
    });
  return end;
}

function toInfo({ id, name, scopes, createdAt, expiresAt, lastUsedAt }: Row): TokenInfo {
  return {
    id,
    name,
    scopes,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
