import { and, eq, ne, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { requireSite, type SiteRow } from "../rights.ts";
import { domains, heldNames, siteMembers, sites } from "../tables.ts";
import { purgeSite } from "./sites-purge.ts";

const DAY_MS = 86_400_000;

/**
 * Removes a site with its deploys, domains, members and logs: from the next request on nothing answers under its names, and
 * when it resolves its rows are gone. Its name is held for its owners, so that nobody else gets the visitors of old links.
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
    return { site: access.site, by: access.actor.name, hosts: await takeDown(tx, access.site) };
  });
  ctx.hooks.emit("site.deleted", { site: site.name, id: site.id, user: by });
  for (const host of hosts) ctx.hooks.emit("domain.removed", { site: site.name, host });
  await purgeSite(ctx, site.id);
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

/** Leaves of a site what takes long to remove, under a name that no site can have. Answers the hosts that led to it. */
async function takeDown(tx: Tx, { id }: SiteRow): Promise<string[]> {
  const proven = await tx
    .select({ host: domains.host })
    .from(domains)
    .where(and(eq(domains.siteId, id), ne(domains.state, "pending")));
  await tx.delete(domains).where(eq(domains.siteId, id));
  await tx.delete(siteMembers).where(eq(siteMembers.siteId, id));
  await tx
    .update(sites)
    .set({ name: sql`'~' || ${sites.id}`, createdBy: null, liveDeploy: null })
    .where(eq(sites.id, id));
  return proven.map(({ host }) => host);
}
