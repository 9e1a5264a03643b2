import { cookieName, writeCookie } from "#http/cookies.ts";
import { isSecure } from "#http/origin.ts";
import type { Ctx } from "#store/ctx.ts";

const BASE = "land_session";
/** The longest that browsers keep a cookie. When a session ends is decided by its row, which moves with every use. */
const MAX_AGE_SECONDS = 400 * 86_400;

/** `__Host-land_session` where the browser came by https, else `land_session`. */
export function sessionCookieName(ctx: Ctx, request: Request): string {
  return cookieName(BASE, isSecure(ctx, request));
}

/** The Set-Cookie value that hands a browser its session; an empty secret takes it away. */
export function sessionCookie(ctx: Ctx, request: Request, secret: string): string {
  return writeCookie(sessionCookieName(ctx, request), secret, {
    secure: isSecure(ctx, request),
    maxAgeSeconds: secret === "" ? 0 : MAX_AGE_SECONDS,
  });
}
