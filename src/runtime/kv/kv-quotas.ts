import type { Ctx } from "#store/ctx.ts";

import { quotasOf } from "../status/quotas.ts";

/** How much each site may keep, at hand without asking the database: what the server allows until the site's own is read. */
export function startKvQuotas(ctx: Ctx): { of: (siteId: number) => number; stop: () => void } {
  const known = new Map<number, number>();
  async function read(siteId: number): Promise<void> {
    try {
      known.set(siteId, (await quotasOf(ctx, siteId)).kvBytes);
    } catch (cause) {
      known.delete(siteId);
      ctx.log.error("quota not read", { siteId, cause });
    }
  }
  const stop = ctx.hooks.on("site.functions", async () => {
    for (const siteId of Array.from(known.keys())) await read(siteId);
  });
  return {
    of(siteId) {
      const bytes = known.get(siteId);
      if (bytes !== undefined) return bytes;
      known.set(siteId, ctx.config["functions.kvBytes"]);
      void read(siteId);
      return ctx.config["functions.kvBytes"];
    },
    stop,
  };
}
