import { eq, lte } from "drizzle-orm";

import { hashSecret } from "#base/tokens.ts";
import { readCookie } from "#http/cookies.ts";
import { bindToken, formToken } from "#http/csrf.ts";
import type { Ctx } from "#store/ctx.ts";

import { type Actor, forgetActor } from "./actor.ts";
import { sessionEnd } from "./last-used.ts";
import { sessionCookie, sessionCookieName } from "./session-cookie.ts";
import { sessions } from "./tables.ts";

/**
 * Signs a browser in: a new random session, of which only the hash is stored; the one that the request came with ends, so a
 * planted cookie never becomes a signed-in one. `cookie` is the Set-Cookie value to answer with.
 */
export async function startSession(
  ctx: Ctx,
  userId: number,
  request: Request,
): Promise<{ cookie: string }> {
  const secret = Buffer.from(ctx.random(32)).toString("base64url");
  const now = ctx.now();
  const old = readCookie(request, sessionCookieName(ctx, request));
  await ctx.db.transaction(async (tx) => {
    if (old !== undefined) await tx.delete(sessions).where(eq(sessions.hash, hashSecret(old)));
    await tx.delete(sessions).where(lte(sessions.expiresAt, now));
    await tx.insert(sessions).values({
      hash: hashSecret(secret),
      userId,
      createdAt: now,
      expiresAt: sessionEnd(ctx, now),
      lastUsedAt: now,
    });
  });
  forgetActor(request);
  return { cookie: sessionCookie(ctx, request, secret) };
}

/** Signs a browser out. `cookie` is the Set-Cookie value that removes the cookie. */
export async function endSession(ctx: Ctx, request: Request): Promise<{ cookie: string }> {
  const secret = readCookie(request, sessionCookieName(ctx, request));
  if (secret !== undefined)
    await ctx.db.transaction(async (tx) => {
      await tx.delete(sessions).where(eq(sessions.hash, hashSecret(secret)));
    });
  forgetActor(request);
  return { cookie: sessionCookie(ctx, request, "") };
}

/**
 * The security token for the forms of a page. For a visitor without a session it belongs to the form cookie the request
 * came with; a page that may be the first to set that cookie uses `formToken`.
 */
export function csrfToken(ctx: Ctx, request: Request, actor: Actor | undefined): string {
  return actor?.via.kind === "session"
    ? bindToken(ctx, "session", actor.via.hash)
    : formToken(ctx, request).token;
}
