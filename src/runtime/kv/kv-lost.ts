import { listSiteIds } from "#sites/site/sites-purge.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Kv } from "./kv.ts";

/**
 * Removes the stores of sites that are gone, also those that a crash left. The server calls it at its start, every hour and after
 * `site.deleted`. An id is never given to another site, so nothing is lost where it comes late.
 */
export async function removeLostKv(ctx: Ctx, kv: Kv): Promise<void> {
  const stores = await kv.listSites();
  if (stores.length === 0) return;
  const there = await listSiteIds(ctx);
  for (const siteId of stores) if (!there.has(siteId)) await kv.remove(siteId);
}
