import { and, eq, ne } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireAccountScope } from "#accounts/guard.ts";
import { fail, type LandError } from "#base/errors.ts";
import { isSiteName, printable } from "#base/names.ts";
import { parseHost } from "#http/host.ts";
import type { Ctx } from "#store/ctx.ts";

import { hostUrl, sitesDomain } from "../addresses.ts";
import type { SiteRow } from "../rights.ts";
import { domains, siteMembers, sites } from "../tables.ts";
import { ENTER, isDeployHost, ownPath } from "./gate-address.ts";
import { makeTicket } from "./gate-pass.ts";
import { effectiveProtection } from "./gate-protection.ts";

/**
 * The address at which an account enters a site: with a ticket for one entry within a minute where the account opens it, else
 * `toUrl` itself, where the site asks for its password or lets everybody in. The site's protection `members` is open to every
 * account of the server, a password is spared the members of the site. Scheme and port are always those of this server.
 *
 * @throws unauthenticated, scope_missing, site_not_found; invalid_input where `toUrl` is no address of that very site
 */
export async function makeEntry(
  ctx: Ctx,
  actor: Actor | undefined,
  siteName: string,
  toUrl: string,
): Promise<string> {
  const known = requireAccountScope(actor, "enter a site");
  const site = await readSiteRow(ctx, siteName);
  const { host, path } = await parseTarget(ctx, site, toUrl);
  const address = hostUrl(ctx, host);
  const protection = effectiveProtection(ctx, site);
  const opens =
    protection === "members" || (protection === "password" && (await isMember(ctx, site, known)));
  if (!opens) return `${address}${path}`;
  const ticket = makeTicket(ctx, site, { host, path, userId: known.userId });
  return `${address}${ENTER}?ticket=${ticket}`;
}

async function readSiteRow(ctx: Ctx, name: string): Promise<SiteRow> {
  const [row] = isSiteName(name)
    ? await ctx.db.read.select().from(sites).where(eq(sites.name, name))
    : [];
  if (!row) throw fail("site_not_found", { site: printable(name) });
  return row;
}

async function isMember(ctx: Ctx, site: SiteRow, { userId, isAdmin }: Actor): Promise<boolean> {
  if (isAdmin) return true;
  const rows = await ctx.db.read
    .select({ role: siteMembers.role })
    .from(siteMembers)
    .where(and(eq(siteMembers.siteId, site.id), eq(siteMembers.userId, userId)));
  return rows.length > 0;
}

/** Host and path of an address of a site; of a domain only while it is proven. */
async function parseTarget(
  ctx: Ctx,
  site: SiteRow,
  toUrl: string,
): Promise<{ host: string; path: string }> {
  const url = URL.parse(toUrl);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    throw foreign();
  const host = parseHost(url.host) ?? "";
  if (!(await isHostOf(ctx, site, host))) throw foreign();
  return { host, path: ownPath(`${url.pathname}${url.search}`) };
}

async function isHostOf(ctx: Ctx, site: SiteRow, host: string): Promise<boolean> {
  if (host === `${site.name}.${sitesDomain(ctx)}` || isDeployHost(ctx, site, host)) return true;
  const proven = await ctx.db.read
    .select({ host: domains.host })
    .from(domains)
    .where(and(eq(domains.host, host), eq(domains.siteId, site.id), ne(domains.state, "pending")));
  return proven.length > 0;
}

function foreign(): LandError {
  return fail("invalid_input", { field: "to", problem: "it is no address of this site" });
}
