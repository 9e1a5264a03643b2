import { and, eq, ne } from "drizzle-orm";

import type { SiteName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { domains, sites } from "./tables.ts";

/** Whether a custom domain leads to a site now: verified, or failing within its grace. `host` is parsed. */
export async function isServedDomain(ctx: Ctx, host: string): Promise<boolean> {
  const rows = await ctx.db.read
    .select({ siteId: domains.siteId })
    .from(domains)
    .where(and(eq(domains.host, host), ne(domains.state, "pending")));
  return rows.length > 0;
}

/** Whether there is a site of that name. */
export async function isSite(ctx: Ctx, name: SiteName): Promise<boolean> {
  const rows = await ctx.db.read.select({ id: sites.id }).from(sites).where(eq(sites.name, name));
  return rows.length > 0;
}
