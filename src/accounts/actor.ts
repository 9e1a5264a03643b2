import { eq } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import type { UserName } from "#base/names.ts";
import { hashSecret, isTokenSecret } from "#base/tokens.ts";
import { readCookie } from "#http/cookies.ts";
import type { Ctx } from "#store/ctx.ts";

import { noteSessionUse, noteTokenUse } from "./last-used.ts";
import { sessionCookieName } from "./session-cookie.ts";
import { sessions, tokens, users } from "./tables.ts";

/** Who sends a request, and by what. */
export type Actor = {
  userId: number;
  name: UserName;
  isAdmin: boolean;
  via:
    | {
        kind: "token";
        id: string;
        name: string;
        scopes: readonly string[];
        /** null: until revoked. */
        expiresAt: Date | null;
      }
    /** The SHA-256 of the session's secret, as stored. */
    | { kind: "session"; hash: string };
};

const known = new WeakMap<Request, Promise<Actor | undefined>>();

/**
 * Who sends a request, looked up once per Request; undefined: nobody said who they are. An Authorization header decides
 * alone, so a cookie never stands in for a bad token. A session that ended counts as nobody.
 *
 * @throws unauthenticated for a token that is unknown, expired or revoked, and for any other Authorization
 */
export function identify(ctx: Ctx, request: Request): Promise<Actor | undefined> {
  const before = known.get(request);
  if (before) return before;
  const actor = lookUp(ctx, request);
  known.set(request, actor);
  return actor;
}

/** Forgets what `identify` found for a request, where the request itself ended the session or token. */
export function forgetActor(request: Request): void {
  known.delete(request);
}

async function lookUp(ctx: Ctx, request: Request): Promise<Actor | undefined> {
  const authorization = request.headers.get("authorization");
  if (authorization !== null) return byToken(ctx, authorization);
  const cookie = readCookie(request, sessionCookieName(ctx, request));
  return cookie === undefined ? undefined : bySession(ctx, hashSecret(cookie));
}

async function byToken(ctx: Ctx, authorization: string): Promise<Actor> {
  const [, secret = ""] = /^Bearer +([^ ]+)$/i.exec(authorization) ?? [];
  if (!isTokenSecret(secret)) throw fail("unauthenticated", {});
  const [row] = await ctx.db.read
    .select({ token: tokens, name: users.name, isAdmin: users.isAdmin })
    .from(tokens)
    .innerJoin(users, eq(users.id, tokens.userId))
    .where(eq(tokens.hash, hashSecret(secret)));
  const now = ctx.now();
  if (!row || row.token.revokedAt || (row.token.expiresAt && row.token.expiresAt <= now))
    throw fail("unauthenticated", {});
  const { token, name, isAdmin } = row;
  noteTokenUse(ctx, token);
  const { id, name: tokenName, scopes, expiresAt } = token;
  return {
    userId: token.userId,
    name,
    isAdmin,
    via: { kind: "token", id, name: tokenName, scopes, expiresAt },
  };
}

async function bySession(ctx: Ctx, hash: string): Promise<Actor | undefined> {
  const [row] = await ctx.db.read
    .select({ session: sessions, name: users.name, isAdmin: users.isAdmin })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(eq(sessions.hash, hash));
  if (!row || row.session.expiresAt <= ctx.now()) return undefined;
  noteSessionUse(ctx, row.session);
  return {
    userId: row.session.userId,
    name: row.name,
    isAdmin: row.isAdmin,
    via: { kind: "session", hash },
  };
}
