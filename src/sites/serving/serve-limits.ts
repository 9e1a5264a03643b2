import { networkOf } from "#base/address.ts";
import { isLoopbackHost } from "#base/config.ts";
import { createRateLimiter } from "#http/rate.ts";
import type { Ctx } from "#store/ctx.ts";

import type { SiteRow } from "../rights.ts";

/** Whether a visitor may have one more answer, and if not, in how many seconds. */
export type Allowance = { ok: boolean; retryAfterSeconds: number };

/** Counts answers per visitor and site. */
export type VisitorLimits = {
  /** Answers per minute that one visitor of a site gets; 0: no limit. */
  perMinute: (site: Pick<SiteRow, "requestsPerMinute">) => number;
  /** Takes one. Addresses of this machine are not counted; without a limit nobody asks for the address. */
  take: (siteId: number, address: () => string, perMinute: number) => Allowance;
};

const FREE: Allowance = { ok: true, retryAfterSeconds: 0 };
const WINDOW_SECONDS = 60;

/** Makes the counters of one server. Their memory is bounded. */
export function createVisitorLimits(ctx: Pick<Ctx, "config" | "now">): VisitorLimits {
  const { config } = ctx;
  const limiter = createRateLimiter(ctx.now);
  return {
    perMinute: ({ requestsPerMinute }) =>
      config.rateLimit === "off" ? 0 : (requestsPerMinute ?? config["sites.requestsPerMinute"]),
    take(siteId, addressOf, perMinute) {
      if (perMinute === 0) return FREE;
      const address = addressOf();
      if (isLoopbackHost(address)) return FREE;
      return limiter.take(`${siteId} ${networkOf(address)}`, {
        limit: perMinute,
        windowSeconds: WINDOW_SECONDS,
      });
    },
  };
}
