import { and, eq, ne } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { requireSite, type SiteRow } from "./rights.ts";
import { domains, heldNames, siteMembers, sites } from "./tables.ts";

const DAY_MS = 86_400_000;

/**
 * Removes a site with its deploys, domains, members and logs: from the next request on nothing answers under its names. Its
 * name is held for its owners, so that nobody else gets the visitors of old links.
 *
 * @throws unauthenticated, scope_missing, site_role, site_not_found
 */
export async function deleteSite(ctx: Ctx, actor: Actor | undefined, name: string): Promise<void> {
  const { site, by, hosts } = await ctx.db.transaction(async (tx) => {
    const access = await requireSite(ctx, actor, name, {
      action: "remove",
      role: "owner",
      scope: "account",
    });
    await holdName(ctx, tx, access.site);
    const proven = await tx
      .select({ host: domains.host })
      .from(domains)
      .where(and(eq(domains.siteId, access.site.id), ne(domains.state, "pending")));
    await tx.delete(sites).where(eq(sites.id, access.site.id));
    return {
      site: access.site.name,
      by: access.actor.name,
      hosts: proven.map(({ host }) => host),
    };
  });
  ctx.hooks.emit("site.deleted", { site, user: by });
  for (const host of hosts) ctx.hooks.emit("domain.removed", { site, host });
}

async function holdName(ctx: Ctx, tx: Tx, { id, name }: SiteRow): Promise<void> {
  const days = ctx.config["sites.nameHoldDays"];
  if (days === 0) return;
  const until = new Date(ctx.now().getTime() + days * DAY_MS);
  const owners = await tx
    .select({ userId: siteMembers.userId })
    .from(siteMembers)
    .where(and(eq(siteMembers.siteId, id), eq(siteMembers.role, "owner")));
  for (const { userId } of owners)
    await tx
      .insert(heldNames)
      .values({ name, userId, until })
      .onConflictDoUpdate({ target: [heldNames.name, heldNames.userId], set: { until } });
}
