import { isIP } from "node:net";

import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";

/**
 * The origins a page of ours may have, as its browser would say for this request: that of the public address, and the one
 * the request itself came to where its Host is ours (`localhost`, our domain, an IP literal). A name that somebody else
 * pointed at this machine is never among them. The port is the one in Host: a browser cannot be made to lie about it, and it
 * differs from ours behind a tunnel.
 */
export function ownOrigins(ctx: Ctx, request: Request): string[] {
  const published = new URL(ctx.publicUrl());
  const reached = reachedUrl(request);
  if (!reached || !isOwnHost(ctx, reached.hostname)) return [published.origin];
  // Where the public address is https, plain http under the same name is someone on the way.
  if (reached.hostname === published.hostname && published.protocol === "https:")
    return [published.origin];
  return [...new Set([published.origin, reached.origin])];
}

/** Whether the browser reached us by https, so that `Secure` and `__Host-` cookies work. */
export function isSecure(ctx: Ctx, request: Request): boolean {
  const published = new URL(ctx.publicUrl());
  const reached = reachedUrl(request);
  if (!reached || reached.hostname === published.hostname) return published.protocol === "https:";
  return reached.protocol === "https:";
}

/**
 * Refuses a request whose Origin is not exactly one of ours. A browser sends it with every POST, PUT, PATCH and DELETE;
 * `null` (a page with `Referrer-Policy: no-referrer`, a sandboxed frame) is refused as well.
 *
 * @throws csrf_failed
 */
export function requireOwnOrigin(ctx: Ctx, request: Request): void {
  const origin = request.headers.get("origin");
  if (origin === null || !ownOrigins(ctx, request).includes(origin)) throw fail("csrf_failed", {});
}

/** Scheme and Host of a request as a URL, or undefined where the Host is not one plain host. */
function reachedUrl(request: Request): URL | undefined {
  const url = new URL(request.url);
  const host = request.headers.get("host") ?? url.host;
  if (!/^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.test(host)) return undefined;
  return URL.parse(`${url.protocol}//${host}`) ?? undefined;
}

function isOwnHost(ctx: Ctx, hostname: string): boolean {
  const published = new URL(ctx.publicUrl()).hostname;
  return (
    hostname === published ||
    hostname === ctx.config.domain ||
    hostname === "localhost" ||
    hostname.startsWith("[") ||
    isIP(hostname) === 4
  );
}
