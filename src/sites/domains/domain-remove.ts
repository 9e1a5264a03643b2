import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import type { Ctx } from "#store/ctx.ts";

import { requireSite } from "../rights.ts";
import { domains } from "../tables.ts";
import { announce } from "./domain-state.ts";
import { readDomainRow } from "./domains.ts";

/**
 * Gives a domain up: from the next request on it leads nowhere, and who wants it must prove it anew.
 *
 * @throws domain_not_found, site_not_found, site_role, scope_missing, unauthenticated
 */
export async function removeDomain(
  ctx: Ctx,
  actor: Actor | undefined,
  target: { site: string; host: string },
): Promise<void> {
  const need = { action: "remove a domain of", role: "developer", scope: "site" } as const;
  const removed = await ctx.db.transaction(async (tx) => {
    const { site } = await requireSite(ctx, actor, target.site, need);
    const row = await readDomainRow(ctx, site, target.host);
    await tx.delete(domains).where(and(eq(domains.host, row.host), eq(domains.siteId, site.id)));
    return { site: site.name, host: row.host, wasServed: row.state !== "pending" };
  });
  if (removed.wasServed) announce(ctx, "domain.removed", removed.site, removed.host);
}
