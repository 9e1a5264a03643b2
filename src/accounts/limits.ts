import { networkOf } from "#base/address.ts";
import { isLoopbackHost } from "#base/config.ts";
import { fail } from "#base/errors.ts";
import { type Rate, rateHeaders, type RateLimiter } from "#http/rate.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Actor } from "./actor.ts";

/** What a limit is decided on. */
export type Limited = {
  request: Request;
  path: string;
  /** The client's address, without brackets. */
  address: string;
  actor: Actor | undefined;
};

type Rule = { what: string; key: string; rate: Rate };

const MINUTE = 60;
const HOUR = 3600;
const REGISTER = new Set(["/api/v1/users/register", "/register"]);
const LOGIN = new Set(["/api/v1/users/login", "/login"]);
/** What one install or one deploy asks by the thousand, and that costs a look-up each. */
const UNCOUNTED =
  /^\/api\/v1\/(?:index(?:$|\/)|archives$|blobs\/|packages\/.+\/download$|sites\/[^/]+\/deploys\/[^/]+\/blobs\/)/;

/**
 * Counts a request against the limits of its address and its token; answers the `RateLimit-*` headers of the limit that is
 * nearest, none where nothing counts. Registering and signing in count per address, all else per token or session, or per
 * address for visitors. Addresses of this machine are never counted. IPv6 counts by /64, which is what one customer gets.
 *
 * @throws rate_limited
 */
export function limitRequest(
  ctx: Ctx,
  limiter: RateLimiter,
  limited: Limited,
): Record<string, string> {
  if (ctx.config.rateLimit === "off") return {};
  let nearest: ReturnType<RateLimiter["take"]> | undefined;
  for (const { what, key, rate } of rulesFor(ctx, limited)) {
    const taken = limiter.take(key, rate);
    const { ok, limit, retryAfterSeconds } = taken;
    if (!ok) throw fail("rate_limited", { what, retryAfterSeconds, limit });
    if (!nearest || taken.remaining < nearest.remaining) nearest = taken;
  }
  return nearest ? rateHeaders(nearest) : {};
}

function rulesFor({ config }: Ctx, { request, path, address, actor }: Limited): Rule[] {
  const caller = callerOf(address, actor);
  const rules: Rule[] = [];
  const post = request.method === "POST";
  const add = (what: string, subject: string | undefined, limit: number, windowSeconds: number) => {
    if (subject !== undefined)
      rules.push({ what, key: `${what} ${subject}`, rate: { limit, windowSeconds } });
  };
  if (post && REGISTER.has(path))
    add("registrations", callerOf(address, undefined), config["rate.registerPerHour"], HOUR);
  else if (post && LOGIN.has(path))
    add("sign-ins", callerOf(address, undefined), config["rate.loginPerMinute"], MINUTE);
  else if (post && path === "/api/v1/packages")
    add("publishes", caller, config["rate.publishPerMinute"], MINUTE);
  if (post || !UNCOUNTED.test(path))
    add("API requests", caller, config["rate.apiPerMinute"], MINUTE);
  return rules;
}

/** Whose bucket it is, or undefined for a visitor from this machine. */
function callerOf(address: string, actor: Actor | undefined): string | undefined {
  if (actor?.via.kind === "token") return `token:${actor.via.id}`;
  if (actor) return `session:${actor.via.hash}`;
  return isLoopbackHost(address) ? undefined : `address:${networkOf(address)}`;
}
