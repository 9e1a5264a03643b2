import { desc, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { keyNameOf, type SiteRow } from "../rights.ts";
import { deploys, releases, sites } from "../tables.ts";
import type { DeployRow } from "./deploy-rows.ts";

/**
 * Points a site at a finished deploy, inside the caller's transaction, and writes down who did. A deploy that went live is a
 * draft no more.
 *
 * @returns the deploy as it is now
 */
export async function release(
  ctx: Ctx,
  tx: Tx,
  actor: Actor,
  site: SiteRow,
  row: DeployRow,
): Promise<DeployRow> {
  const now = ctx.now();
  const releasedAt = row.releasedAt ?? (await nextRelease(tx, site, now));
  await tx.update(sites).set({ liveDeploy: row.id, updatedAt: now }).where(eq(sites.id, site.id));
  await tx.update(deploys).set({ releasedAt, draft: false }).where(eq(deploys.id, row.id));
  await tx.insert(releases).values({
    siteId: site.id,
    deployId: row.id,
    at: now,
    by: actor.userId,
    keyName: keyNameOf(actor),
  });
  return { ...row, releasedAt, draft: false };
}

/** First releases of a site have an order even where the clock stands or goes back: a rollback goes by it. */
async function nextRelease(tx: Tx, site: SiteRow, now: Date): Promise<Date> {
  const [last] = await tx
    .select({ at: deploys.releasedAt })
    .from(deploys)
    .where(eq(deploys.siteId, site.id))
    .orderBy(desc(deploys.releasedAt))
    .limit(1);
  return new Date(Math.max(now.getTime(), (last?.at?.getTime() ?? 0) + 1));
}

/** Tells all who listen that visitors get another deploy. After the transaction. */
export function tellReleased(
  { hooks }: Ctx,
  actor: Actor,
  site: SiteRow,
  row: DeployRow,
  rollback: boolean,
): void {
  hooks.emit("deploy.released", { site: site.name, deploy: row.id, user: actor.name, rollback });
}
