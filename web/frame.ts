import { type Actor, identify } from "#accounts/actor.ts";
import { csrfToken } from "#accounts/session.ts";
import { fail } from "#base/errors.ts";
import { type Html, toText } from "#html/html.ts";
import { CSRF_FIELD, formToken } from "#http/csrf.ts";
import type { Ctx } from "#store/ctx.ts";

import { PAGE_HEADERS } from "./assets.ts";
import type { Frame } from "./layout.tsx";

/** What a page may say once after a form was taken, by the word in its address. */
const DONE: Record<string, string> = {
  welcome: "Welcome. Your account is made and you are signed in.",
  "signed-out": "You are signed out.",
  "token-revoked": "The token is revoked: from now on it opens nothing.",
  "key-revoked": "The key is out of use. Versions that it signed stay signed.",
  "invite-revoked": "The invitation is taken back.",
  "site-made": "The site is made. Deploy something to it.",
  "site-deleted": "The site is removed.",
  deployed: "Deployed: visitors get it now.",
  drafted: "Deployed as a draft, at its own address.",
  released: "Visitors get that deploy now.",
  "deploy-deleted": "The deploy is removed.",
  "domain-added": "The domain is noted. Set the records below, then check.",
  "domain-verified": "The domain is proven, and leads here.",
  "domain-removed": "The domain is removed: it leads here no more.",
  "member-set": "The role is set.",
  "member-removed": "They are a member no more.",
  "site-saved": "Saved.",
  "cron-begun": "The schedule runs now.",
  "egress-set": "Set: it holds from the next request of a program on.",
  "database-removed": "The database is removed: the program starts with an empty one.",
  "kv-set": "The key is written.",
  "kv-deleted": "The key is removed.",
  "env-set": "It is set: programs have it at their next request.",
  "env-imported": "All are set: programs have them at their next request.",
  "env-unset": "It is removed: programs have it no more.",
};

/** Who looks, and what every page needs to know of that. */
export type Visit = { frame: Frame; actor: Actor | undefined };

/** Reads the frame of a request. @throws unauthenticated for an Authorization header that is not good */
export async function readVisit(ctx: Ctx, request: Request): Promise<Visit> {
  const actor = await identify(ctx, request);
  const done = new URL(request.url).searchParams.get("done") ?? "";
  return {
    actor,
    frame: {
      user: actor && { name: actor.name, admin: actor.isAdmin },
      csrf: csrfToken(ctx, request, actor),
      publicUrl: ctx.publicUrl(),
      now: ctx.now(),
      flash: Object.hasOwn(DONE, done) ? { kind: "done", text: DONE[done] ?? "" } : undefined,
    },
  };
}

/** The frame for the forms of someone who is not signed in yet, with the cookie that their token belongs to. */
export function visitorFrame(
  ctx: Ctx,
  request: Request,
  frame: Frame,
): { frame: Frame; cookie: string | undefined } {
  const { token, setCookie } = formToken(ctx, request);
  return { frame: { ...frame, csrf: token }, cookie: setCookie };
}

/** What a request's query says. */
export type Query = Readonly<Record<string, string | undefined>>;
/** How a page that comes back with a problem is answered. */
export type PageStatus = { status?: number; headers?: Record<string, string> };

/** A page as an answer. It depends on who asks, so no shared cache may keep it; `isSecret` ones no cache at all. */
export function answerPage(
  html: Html,
  about: PageStatus & { cookie?: string | undefined; isSecret?: boolean } = {},
): Response {
  return new Response(toText(html), {
    status: about.status ?? 200,
    headers: {
      ...PAGE_HEADERS,
      "cache-control": about.isSecret ? "no-store" : "private, no-cache",
      vary: "cookie, accept",
      ...about.headers,
      ...(about.cookie !== undefined && { "set-cookie": about.cookie }),
    },
  });
}

/** 303 to a path of this site, as after every form that was taken. */
export function redirect(path: string, cookie?: string): Response {
  return new Response(null, {
    status: 303,
    headers: {
      location: path,
      "cache-control": "no-store",
      ...(cookie !== undefined && { "set-cookie": cookie }),
    },
  });
}

/** The fields of a form. */
export type Form = {
  /** The text of a field, empty where it was not sent. */
  text: (name: string) => string;
  all: (name: string) => string[];
  /** The security token. */
  token: string;
  /** The same, as the guards of a session take it. */
  csrf: { [CSRF_FIELD]: string };
};

/**
 * Reads the form that a request carries, as browsers send it without files.
 *
 * @throws unsupported_media_type, payload_too_large
 */
export async function readForm(request: Request): Promise<Form> {
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded")
    throw fail("unsupported_media_type", { expected: "application/x-www-form-urlencoded" });
  const body = await request.text();
  if (body.length > MAX_FORM) throw fail("payload_too_large", { limitBytes: MAX_FORM });
  const fields = new URLSearchParams(body);
  const token = fields.get(CSRF_FIELD) ?? "";
  return {
    text: (name) => fields.get(name) ?? "",
    all: (name) => fields.getAll(name),
    token,
    csrf: { [CSRF_FIELD]: token },
  };
}
const MAX_FORM = 64 * 1024;

/** A path of this site out of a hidden field, or the other where it leads elsewhere. */
export function ownPath(text: string, other: string): string {
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(text) ? text : other;
}
