import { and, eq, ne } from "drizzle-orm";

import { isSiteName, type SiteName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { sitesDomain } from "../addresses.ts";
import { domains, sites } from "../tables.ts";

/** Whether a custom domain leads to a site now: verified, or failing within its grace. `host` is parsed. */
export async function isServedDomain(ctx: Ctx, host: string): Promise<boolean> {
  const rows = await ctx.db.read
    .select({ siteId: domains.siteId })
    .from(domains)
    .where(and(eq(domains.host, host), ne(domains.state, "pending")));
  return rows.length > 0;
}

/** The account that made the site which a host or a name leads to; null: it is gone. Undefined where nothing does. */
export async function findMaker(
  ctx: Ctx,
  of: { host: string } | { site: SiteName },
): Promise<{ userId: number | null } | undefined> {
  const named = ctx.db.read.select({ userId: sites.createdBy }).from(sites);
  const [row] =
    "site" in of
      ? await named.where(eq(sites.name, of.site))
      : await named
          .innerJoin(domains, eq(domains.siteId, sites.id))
          .where(and(eq(domains.host, of.host), ne(domains.state, "pending")));
  return row;
}

/** The site that a host leads to by the site's own address or by a domain of its own; the address of one deploy leads to none. `host` is parsed. */
export async function findSiteAt(ctx: Ctx, host: string): Promise<string | undefined> {
  const domain = `.${sitesDomain(ctx)}`;
  if (host.endsWith(domain)) {
    const name = host.slice(0, -domain.length);
    return isSiteName(name) && (await isSite(ctx, name)) ? name : undefined;
  }
  const rows = await ctx.db.read
    .select({ name: sites.name })
    .from(domains)
    .innerJoin(sites, eq(domains.siteId, sites.id))
    .where(and(eq(domains.host, host), ne(domains.state, "pending")));
  return rows[0]?.name;
}

/** Whether there is a site of that name. */
export async function isSite(ctx: Ctx, name: SiteName): Promise<boolean> {
  const rows = await ctx.db.read.select({ id: sites.id }).from(sites).where(eq(sites.name, name));
  return rows.length > 0;
}
