import type { Actor } from "#accounts/actor.ts";
import { nameUsers } from "#accounts/users.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Deploy } from "../model.ts";
import { type Need, requireSite, type SiteRow } from "../rights.ts";
import { type DeployRow, readDeployRow, toDeploy } from "./deploy-rows.ts";
import { findPrograms } from "./program-rows.ts";

/** What looking at the list of deploys asks for. */
export const MAY_LOOK: Need = { action: "look at the deploys of", role: "viewer", scope: "any" };

/** What looking into a deploy asks for: a key that only reads counts does not see files. */
export const MAY_OPEN: Need = { action: "open a deploy of", role: "viewer", scope: "deploy" };

/** One deploy of a site. @throws unauthenticated, scope_missing, site_not_found, deploy_not_found */
export async function readDeploy(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  id: string,
): Promise<Deploy> {
  const { site } = await requireSite(ctx, actor, name, MAY_LOOK);
  const row = await readDeployRow(ctx.db.read, site, id);
  const [deploy] = await toDeploys(ctx, site, [row]);
  if (!deploy) throw new Error("one deploy in, none out");
  return deploy;
}

/** Deploys as the API tells them, with the names of who made them and their programs. */
export async function toDeploys(
  ctx: Ctx,
  site: Pick<SiteRow, "name" | "liveDeploy">,
  rows: readonly DeployRow[],
): Promise<Deploy[]> {
  const makers = rows.map(({ createdBy }) => createdBy).filter((id) => id !== null);
  const names = await nameUsers(ctx, makers);
  const programs = await findPrograms(
    ctx.db.read,
    rows.map(({ id }) => id),
  );
  return rows.map((row) =>
    toDeploy(ctx, site, row, {
      createdBy: names.get(row.createdBy ?? -1) ?? null,
      program: programs.get(row.id) ?? null,
    }),
  );
}
