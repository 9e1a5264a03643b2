import { verifyPassword } from "#accounts/password.ts";
import { networkOf } from "#base/address.ts";
import { isLoopbackHost } from "#base/config.ts";
import { fail, LandError } from "#base/errors.ts";
import { createTurns } from "#base/turns.ts";
import type { Ctx } from "#store/ctx.ts";

import type { GatedSite } from "./gate-pass.ts";
import { gateState } from "./gate-state.ts";

/** How long a right password is known again without the slow hash, which programs would pay for with each request. */
const VERIFIED_MS = 10 * 60_000;

const busy = () => fail("rate_limited", { what: "passwords at once", retryAfterSeconds: 5 });
/**
 * Sign-ins to the server wait in the same line for the slow hash: all gates together take two places of it, and one site never
 * the places of the others.
 */
const ofGates = createTurns(2);
const ofSite = createTurns(1, { max: 16, refuse: busy });

/** What came of an attempt: in, a wrong password, or the refusal of one too many. */
export type Attempt = "right" | "wrong" | LandError;

/** Tries a text as the password of a site. Attempts count per address and site, as sign-ins do, and not on this machine. */
export async function tryPassword(
  ctx: Ctx,
  site: GatedSite,
  { password, address }: { password: string; address: string },
): Promise<Attempt> {
  const { verified, sign } = gateState(ctx);
  const known = sign("password", `${site.id} ${site.gateVersion} ${password}`);
  if (verified.has(known)) return "right";
  try {
    countAttempt(ctx, site, address);
    const right = await ofSite(String(site.id), () =>
      ofGates("", () => verifyPassword(password, site.passwordHash ?? undefined)),
    );
    if (!right) return "wrong";
  } catch (error) {
    if (error instanceof LandError && error.code === "rate_limited") return error;
    throw error;
  }
  verified.add(known, new Date(ctx.now().getTime() + VERIFIED_MS));
  return "right";
}

function countAttempt(ctx: Ctx, site: GatedSite, address: string): void {
  if (ctx.config.rateLimit === "off" || isLoopbackHost(address)) return;
  const rate = { limit: ctx.config["rate.loginPerMinute"], windowSeconds: 60 };
  const taken = gateState(ctx).attempts.take(`${site.id} ${networkOf(address)}`, rate);
  const { ok, limit, retryAfterSeconds } = taken;
  if (!ok) throw fail("rate_limited", { what: "passwords tried", retryAfterSeconds, limit });
}

/** Whether the Authorization header of a request holds what should open the gate of a site, and nobody else's business. */
export function isForGate(site: Pick<GatedSite, "protection">, request: Request): boolean {
  return site.protection === "password" && basicPassword(request) !== undefined;
}

/** The password of `Authorization: Basic`, whatever the user name; undefined where there is none. @see RFC 7617 */
export function basicPassword(request: Request): string | undefined {
  const [, encoded] =
    /^Basic +([A-Za-z0-9+/=]{1,6000})$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const at = text.indexOf(":");
  return at === -1 ? undefined : text.slice(at + 1);
}
