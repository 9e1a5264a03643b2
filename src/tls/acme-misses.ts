import { sitesDomain } from "#sites/addresses.ts";
import type { Ctx } from "#store/ctx.ts";

/** Server names that lead nowhere, remembered for a short time, so that a flood of one is not a flood of queries. */
export type Misses = {
  has: (host: string) => boolean;
  add: (host: string) => void;
  stop: () => void;
};

const TTL_MS = 10_000;
const MAX_NAMES = 10_000;

/** Makes an empty memory, which forgets a name at once when it comes to lead somewhere. */
export function createMisses(ctx: Ctx): Misses {
  const until = new Map<string, number>();
  const offs = [
    ctx.hooks.on("domain.verified", ({ host }) => void until.delete(host)),
    ctx.hooks.on("site.created", ({ site }) => void until.delete(`${site}.${sitesDomain(ctx)}`)),
  ];
  return {
    has: (host) => (until.get(host) ?? 0) > ctx.now().getTime(),
    add(host) {
      until.delete(host);
      until.set(host, ctx.now().getTime() + TTL_MS);
      for (const oldest of until.keys()) {
        if (until.size <= MAX_NAMES) break;
        until.delete(oldest);
      }
    },
    stop() {
      for (const off of offs) off();
    },
  };
}
