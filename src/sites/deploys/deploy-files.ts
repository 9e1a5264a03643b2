import { and, asc, eq, gt } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import type { DeployFilePage } from "../model.ts";
import { requireSite } from "../rights.ts";
import { deployFiles } from "../tables.ts";
import { MAY_OPEN } from "./deploy-read.ts";
import { readDeployRow } from "./deploy-rows.ts";

/** The files of a deploy by path. @throws unauthenticated, scope_missing, site_not_found, deploy_not_found */
export async function listDeployFiles(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  id: string,
  page: PageRequest,
): Promise<DeployFilePage> {
  const { site } = await requireSite(ctx, actor, name, MAY_OPEN);
  const { id: deployId } = await readDeployRow(ctx.db.read, site, id);
  const [after = ""] = page.cursor ?? [];
  const rows = await ctx.db.read
    .select()
    .from(deployFiles)
    .where(and(eq(deployFiles.deployId, deployId), gt(deployFiles.path, String(after))))
    .orderBy(asc(deployFiles.path))
    .limit(page.limit + 1);
  return toPage(
    rows,
    page,
    ({ path, digest, sizeBytes }) => ({ path, sha256: digest.slice("sha256:".length), sizeBytes }),
    ({ path }) => [path],
  );
}
