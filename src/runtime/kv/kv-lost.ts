import { listSiteIds } from "#sites/site/sites-purge.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Kv } from "./kv.ts";

/**
 * Removes the stores of sites that are gone, which a crash left. The server calls it soon after its start and every hour. An id is
 * never given to another site, so nothing is lost where it comes late.
 */
export async function removeLostKv(ctx: Ctx, kv: Kv): Promise<void> {
  const stores = await kv.listSites();
  if (stores.length === 0) return;
  const there = await listSiteIds(ctx);
  for (const siteId of stores) if (!there.has(siteId)) await kv.remove(siteId);
}
