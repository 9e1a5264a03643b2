import { and, eq, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { giveWay } from "#base/slices.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { requireSite } from "../rights.ts";
import { deployFiles, deploys } from "../tables.ts";
import { type DeployRow, readDeployRow } from "./deploy-rows.ts";
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

/** Files removed between two turns of others. */
const STEP = 1000;

/**
 * Takes a deploy and what it holds out of the tables, inside the caller's transaction, in slices of some milliseconds. It must not
 * be live.
 */
export async function removeDeploy(
  tx: Tx,
  { id, siteId, state }: Pick<DeployRow, "id" | "siteId" | "state">,
): Promise<void> {
  if (state === "ready") await dropBlobs(tx, siteId, id);
  for (let removed = STEP; removed === STEP;) {
    const some = sql`SELECT path FROM ${deployFiles} WHERE deploy_id = ${id} LIMIT ${STEP}`;
    const gone = await tx
      .delete(deployFiles)
      .where(and(eq(deployFiles.deployId, id), sql`${deployFiles.path} IN (${some})`))
      .returning({ one: sql`1` });
    removed = gone.length;
    await giveWay();
  }
  await tx.delete(deploys).where(eq(deploys.id, id));
}
