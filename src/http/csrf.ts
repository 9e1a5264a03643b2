import { createHmac, hkdfSync } from "node:crypto";

import { fail } from "#base/errors.ts";
import { sameText } from "#base/tokens.ts";
import type { Ctx } from "#store/ctx.ts";

import { cookieName, readCookie, writeCookie } from "./cookies.ts";
import { isSecure, requireOwnOrigin } from "./origin.ts";

/** The header in which scripts send the security token of a form. */
const CSRF_HEADER = "x-csrf-token";
/** The form field that carries it without scripts. */
export const CSRF_FIELD = "_csrf";

const FORM_COOKIE = "land_form";
const RANDOM = /^[A-Za-z0-9_-]{43}$/;

/** The security token that belongs to `binding` (a session, a form cookie) under one purpose. Only this server can make it. */
export function bindToken(ctx: Ctx, purpose: "session" | "form", binding: string): string {
  const key = Buffer.from(hkdfSync("sha256", ctx.secret, "", `land csrf ${purpose}`, 32));
  return createHmac("sha256", key).update(binding).digest("base64url");
}

/** The security token of a request: the header, else the field of its form. */
export function sentToken(request: Request, form?: unknown): string {
  const header = request.headers.get(CSRF_HEADER);
  if (header !== null) return header;
  const field = form instanceof FormData ? form.get(CSRF_FIELD) : fieldOf(form);
  return typeof field === "string" ? field : "";
}

function fieldOf(form: unknown): unknown {
  return typeof form === "object" && form !== null && CSRF_FIELD in form
    ? form[CSRF_FIELD]
    : undefined;
}

/**
 * The token for a form that a visitor without a session sends (sign in, register). It belongs to a random cookie; where the
 * browser has none yet, `setCookie` is the Set-Cookie value to send with the page.
 */
export function formToken(ctx: Ctx, request: Request): { token: string; setCookie?: string } {
  const present = formCookie(ctx, request);
  if (present !== undefined) return { token: bindToken(ctx, "form", present) };
  const secure = isSecure(ctx, request);
  const value = Buffer.from(ctx.random(32)).toString("base64url");
  return {
    token: bindToken(ctx, "form", value),
    setCookie: writeCookie(cookieName(FORM_COOKIE, secure), value, { secure }),
  };
}

/**
 * Refuses a form of a visitor without a session unless its Origin is ours and its token belongs to the form cookie.
 *
 * @throws csrf_failed
 */
export function checkForm(ctx: Ctx, request: Request, token: string | undefined): void {
  requireOwnOrigin(ctx, request);
  const cookie = formCookie(ctx, request);
  if (cookie === undefined || !sameText(bindToken(ctx, "form", cookie), token ?? ""))
    throw fail("csrf_failed", {});
}

function formCookie(ctx: Ctx, request: Request): string | undefined {
  const value = readCookie(request, cookieName(FORM_COOKIE, isSecure(ctx, request)));
  return value !== undefined && RANDOM.test(value) ? value : undefined;
}
