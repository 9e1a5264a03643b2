import { and, asc, eq, inArray, ne, not, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireActor, requireAdmin, requireScope } from "#accounts/guard.ts";
import { nameUsers } from "#accounts/users.ts";
import { isSiteName, type SiteName } from "#base/names.ts";
import { type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { siteUrl } from "../addresses.ts";
import { toDeploy } from "../deploys/deploy-rows.ts";
import { findPrograms } from "../deploys/program-rows.ts";
import { effectiveProtection } from "../gate/gate-protection.ts";
import type { Deploy, Role, Site, SitePage } from "../model.ts";
import { requireSite, roleOf, type SiteRow } from "../rights.ts";
import { deploys, domains, siteMembers, sites } from "../tables.ts";
import { REMOVED } from "./sites-purge.ts";

/** A site and the role of who asks. */
export type SiteOfRole = { site: SiteRow; role: Role };

/** Scopes that open every site of the account, each for what it may. */
const OPEN_ALL = new Set(["account", "admin", "deploy"]);

/** A site as its members see it. @throws unauthenticated, scope_missing, site_not_found */
export async function readSite(ctx: Ctx, actor: Actor | undefined, name: string): Promise<Site> {
  const access = await requireSite(ctx, actor, name, {
    action: "look at",
    role: "viewer",
    scope: "any",
  });
  return toSite(ctx, access);
}

/**
 * The sites of which the account is a member, by name; a key made for some sites sees those alone. `all`: every site of the
 * server, for its admins.
 *
 * @throws unauthenticated, scope_missing, forbidden
 */
export async function listSites(
  ctx: Ctx,
  actor: Actor | undefined,
  page: PageRequest & { all?: boolean },
): Promise<SitePage> {
  const known = page.all ? requireAdmin(actor, "list all sites") : requireActor(actor);
  const opened = page.all ? "all" : openedBy(known);
  const [after = ""] = page.cursor ?? [];
  const rows = await ctx.db.read
    .select({ site: sites, role: siteMembers.role })
    .from(sites)
    .leftJoin(
      siteMembers,
      and(eq(siteMembers.siteId, sites.id), eq(siteMembers.userId, known.userId)),
    )
    .where(
      and(
        sql`${sites.name} > ${String(after)}`,
        not(REMOVED),
        page.all ? undefined : eq(siteMembers.userId, known.userId),
        opened === "all" ? undefined : inArray(sites.name, opened),
      ),
    )
    .orderBy(asc(sites.name))
    .limit(page.limit + 1);
  const found = rows.map(({ site, role }) => ({ site, role: roleOf(known, role) ?? "viewer" }));
  const shown = await toSites(ctx, found.slice(0, page.limit));
  const { next } = toPage(
    found,
    page,
    ({ site }) => site.name,
    ({ site }) => [site.name],
  );
  return { items: shown, next };
}

/** One site as its members see it. */
export async function toSite(ctx: Ctx, access: SiteOfRole): Promise<Site> {
  const [site] = await toSites(ctx, [access]);
  if (!site) throw new Error("one site in, none out");
  return site;
}

/** Sites as their members see them, in the same order, with the same three queries however many they are. */
async function toSites(ctx: Ctx, found: readonly SiteOfRole[]): Promise<Site[]> {
  const live = await readLive(ctx, found);
  const hosts = await readHosts(ctx, found);
  return found.map(({ site, role }) => ({
    name: site.name,
    url: siteUrl(ctx, site.name),
    role,
    protection: effectiveProtection(ctx, site),
    maintenance: site.maintenance,
    keyPrograms: site.keyPrograms,
    live: live.get(site.id) ?? null,
    domains: hosts.get(site.id) ?? [],
    usedBytes: site.usedBytes,
    quotaBytes: site.quotaBytes ?? ctx.config["sites.siteBytes"],
    quotaFiles: site.quotaFiles ?? ctx.config["sites.files"],
    requestsPerMinute: site.requestsPerMinute ?? ctx.config["sites.requestsPerMinute"],
    createdAt: site.createdAt.toISOString(),
    updatedAt: site.updatedAt.toISOString(),
  }));
}

async function readLive(
  ctx: Ctx,
  found: readonly SiteOfRole[],
): Promise<ReadonlyMap<number, Deploy>> {
  const bySite = new Map(found.map(({ site }) => [site.id, site]));
  const ids = found.flatMap(({ site }) => site.liveDeploy ?? []);
  if (ids.length === 0) return new Map();
  const rows = await ctx.db.read.select().from(deploys).where(inArray(deploys.id, ids));
  const names = await nameUsers(
    ctx,
    rows.flatMap(({ createdBy }) => createdBy ?? []),
  );
  const programs = await findPrograms(ctx.db.read, ids);
  const live = new Map<number, Deploy>();
  for (const row of rows) {
    const site = bySite.get(row.siteId);
    const beside = {
      createdBy: names.get(row.createdBy ?? -1) ?? null,
      program: programs.get(row.id) ?? null,
    };
    if (site) live.set(site.id, toDeploy(ctx, site, row, beside));
  }
  return live;
}

async function readHosts(
  ctx: Ctx,
  found: readonly SiteOfRole[],
): Promise<ReadonlyMap<number, string[]>> {
  const rows = await ctx.db.read
    .select({ siteId: domains.siteId, host: domains.host })
    .from(domains)
    .where(
      and(
        inArray(
          domains.siteId,
          found.map(({ site }) => site.id),
        ),
        ne(domains.state, "pending"),
      ),
    )
    .orderBy(asc(domains.host));
  const hosts = new Map<number, string[]>();
  for (const { siteId, host } of rows) hosts.set(siteId, [...(hosts.get(siteId) ?? []), host]);
  return hosts;
}

/** The names of the sites that an actor's key is made for; `all` where it is not made for some only. */
function openedBy(actor: Actor): "all" | SiteName[] {
  if (actor.via.kind === "session") return "all";
  const { scopes } = actor.via;
  if (scopes.some((scope) => OPEN_ALL.has(scope))) return "all";
  const names = scopes.map((scope) => /^(?:deploy|site|stats):(.+)$/.exec(scope)?.[1] ?? "");
  const opened = names.filter(isSiteName);
  if (opened.length === 0) requireScope(actor, "list sites", "account");
  return opened;
}
