import { and, desc, eq, lt } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { Finalized, RollbackBody } from "../model.ts";
import { requireSite, type SiteRow } from "../rights.ts";
import { deploys } from "../tables.ts";
import { MAY_DEPLOY } from "./deploy-create.ts";
import { type DeployRow, readDeployRow, toFinalized } from "./deploy-rows.ts";
import { requireMayRelease } from "./program-rows.ts";
import { release, tellReleased } from "./release.ts";

/**
 * Points a site at another finished deploy at once: the one named, a draft too, or the one that was first released before the
 * live one. To name the live one changes nothing.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, deploy_not_found, no_earlier_deploy, invalid_input where
 * the deploy is not finished, program_key for a deploy key and a program that it may not bring
 */
export async function rollback(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  { deploy }: RollbackBody,
): Promise<Finalized> {
  const done = await ctx.db.transaction(async (tx) => {
    const need = { ...MAY_DEPLOY, action: "roll back" };
    const { site, actor: known } = await requireSite(ctx, actor, name, need);
    const wanted =
      deploy === undefined ? await findEarlier(tx, site) : await readDeployRow(tx, site, deploy);
    if (!wanted) throw fail("no_earlier_deploy", { site: site.name });
    if (wanted.state !== "ready")
      throw fail("invalid_input", { field: "deploy", problem: "that deploy is not finished" });
    if (wanted.id === site.liveDeploy) return { site, known, row: wanted, moved: false };
    await requireMayRelease(tx, known, site, wanted);
    const isBack = wanted.releasedAt !== null;
    return { site, known, row: await release(ctx, tx, known, site, wanted), moved: true, isBack };
  });
  if (done.moved) {
    tellReleased(ctx, done.known, done.site, done.row, done.isBack === true);
    ctx.hooks.emit("site.changed", { site: done.site.name });
  }
  return toFinalized(ctx, done.site, done.row, done.row.id);
}

/** The deploy that was first released before the live one, the latest of them. */
async function findEarlier(db: Tx, site: SiteRow): Promise<DeployRow | undefined> {
  if (site.liveDeploy === null) return undefined;
  const { releasedAt } = await readDeployRow(db, site, site.liveDeploy);
  return releasedAt ? findReleasedBefore(db, site, releasedAt) : undefined;
}

/** The last finished deploy of a site that was first released before a time. */
export async function findReleasedBefore(
  db: Tx,
  site: Pick<SiteRow, "id">,
  before: Date,
): Promise<DeployRow | undefined> {
  const [row] = await db
    .select()
    .from(deploys)
    .where(
      and(eq(deploys.siteId, site.id), eq(deploys.state, "ready"), lt(deploys.releasedAt, before)),
    )
    .orderBy(desc(deploys.releasedAt))
    .limit(1);
  return row;
}
