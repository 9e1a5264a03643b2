import { fail } from "#base/errors.ts";
import { sameText } from "#base/tokens.ts";
import { bindToken, sentToken } from "#http/csrf.ts";
import { requireOwnOrigin } from "#http/origin.ts";
import type { Ctx } from "#store/ctx.ts";

import { type Actor, identify } from "./actor.ts";

/** The actor of an act that needs an account. @throws unauthenticated */
export function requireActor(actor: Actor | undefined): Actor {
  if (!actor) throw fail("unauthenticated", {});
  return actor;
}

/**
 * The actor of an act that needs a scope, such as `publish:@ada/greet`, `yank`, `deploy:blog`. `action` words the refusal
 * ("publish"). Tells only what the token may: whether the account owns the thing is the feature's question.
 *
 * @throws unauthenticated, scope_missing; forbidden for the scope `admin` of an account that is none
 */
export function requireScope(actor: Actor | undefined, action: string, scope: string): Actor {
  const known = requireActor(actor);
  if (scope === "admin" && !known.isAdmin)
    throw fail("forbidden", { action, reason: "your account is not an admin of this server" });
  if (!hasScope(known, scope)) throw fail("scope_missing", { action, scope });
  return known;
}

/** The actor of what only login tokens and sessions may: tokens, keys, owners, members, new sites. @throws unauthenticated, scope_missing */
export function requireAccountScope(actor: Actor | undefined, action: string): Actor {
  return requireScope(actor, action, "account");
}

/** The actor of what only admins of the server may. @throws unauthenticated, forbidden, scope_missing */
export function requireAdmin(actor: Actor | undefined, action: string): Actor {
  return requireScope(actor, action, "admin");
}

/**
 * Whether a request may read packages. On a server of members it needs a session or a token that reads (see `grants`); where
 * not, a named thing is answered 404. On a public server everyone may, with any token or none.
 */
export function mayRead(ctx: Ctx, actor: Actor | undefined): boolean {
  if (ctx.config.access !== "members") return true;
  return actor !== undefined && hasScope(actor, "read");
}

/** Refuses a list to whom `mayRead` refuses. @throws unauthenticated, scope_missing */
export function requireRead(ctx: Ctx, actor: Actor | undefined, action: string): void {
  if (!mayRead(ctx, actor)) requireScope(actor, action, "read");
}

/**
 * Refuses a write that another website may have sent: one by session cookie needs an Origin exactly ours and the security
 * token of that session, in `X-CSRF-Token` or as the field `_csrf` of `form` (parsed body or FormData). Tokens pass, since
 * no browser adds them by itself.
 *
 * @throws csrf_failed
 */
export function requireWrite(ctx: Ctx, request: Request, actor: Actor, form?: unknown): void {
  if (actor.via.kind === "token") return;
  requireOwnOrigin(ctx, request);
  if (!sameText(bindToken(ctx, "session", actor.via.hash), sentToken(request, form)))
    throw fail("csrf_failed", {});
}

/** The actor of a request that changes something, checked by `requireWrite`. @throws unauthenticated, csrf_failed */
export async function identifyWriter(ctx: Ctx, request: Request, form?: unknown): Promise<Actor> {
  const actor = requireActor(await identify(ctx, request));
  requireWrite(ctx, request, actor, form);
  return actor;
}

/** Whether the session or token of an actor carries a scope. A session carries all. */
function hasScope(actor: Actor, scope: string): boolean {
  return actor.via.kind === "session" || actor.via.scopes.some((held) => grants(held, scope));
}

/**
 * Whether one held scope is enough for a needed one. `account` is enough for all; a scope without a name for the same with
 * any name; `publish:@ada/*` for all names in that scope; `site:x` for `deploy:x` and `stats:x`. Reading is part of what
 * handles packages (`read`, `publish`, `yank`, `deploy`, `admin`), but not of keys made for one site.
 */
export function grants(held: string, needed: string): boolean {
  if (held === needed || held === "account") return true;
  const [kind, name] = split(held);
  const [neededKind, neededName] = split(needed);
  if (needed === "read")
    return ["publish", "yank", "deploy", "admin"].includes(held) || kind === "publish";
  if (neededName === undefined) return false;
  if (kind === neededKind) {
    if (name === undefined) return true;
    return kind === "publish" && name.endsWith("/*") && neededName.startsWith(name.slice(0, -1));
  }
  return (
    kind === "site" && name === neededName && (neededKind === "deploy" || neededKind === "stats")
  );
}

function split(scope: string): [kind: string, name: string | undefined] {
  const at = scope.indexOf(":");
  return at === -1 ? [scope, undefined] : [scope.slice(0, at), scope.slice(at + 1)];
}
