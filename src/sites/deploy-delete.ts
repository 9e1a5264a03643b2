import { eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { type DeployRow, readDeployRow } from "./deploy-rows.ts";
import { requireSite } from "./rights.ts";
import { deploys } from "./tables.ts";
import { dropBlobs } from "./usage.ts";

/**
 * Removes a deploy that is not live, its address with it. What only it held goes with the sweep.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, deploy_not_found, deploy_live
 */
export async function deleteDeploy(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  id: string,
): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const { site } = await requireSite(ctx, actor, name, {
      action: "remove a deploy of",
      role: "developer",
      scope: "site",
    });
    const row = await readDeployRow(tx, site, id);
    if (row.id === site.liveDeploy) throw fail("deploy_live", { site: site.name, deploy: row.id });
    await removeDeploy(tx, row);
  });
  ctx.hooks.emit("site.changed", { site: name });
}

/** Takes a deploy and what it holds out of the tables, inside the caller's transaction. It must not be live. */
export async function removeDeploy(
  tx: Tx,
  { id, siteId, state }: Pick<DeployRow, "id" | "siteId" | "state">,
): Promise<void> {
  if (state === "ready") await dropBlobs(tx, siteId, id);
  await tx.delete(deploys).where(eq(deploys.id, id));
}
