import { eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { parseDeployId } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Finalized } from "../model.ts";
import { deploys } from "../tables.ts";
import { beginDeploy, type NewDeploy } from "./deploy-create.ts";
import { removeDeploy } from "./deploy-delete.ts";
import { finalizeDeploy } from "./deploy-finalize.ts";

/**
 * Deploys files whose blobs the account has just sent: begins and finishes at once. Where that fails, no deploy is left. It
 * throws what `createDeploy` and `finalizeDeploy` do.
 */
export async function deployFromFiles(
  ctx: Ctx,
  actor: Actor,
  site: string,
  source: NewDeploy,
): Promise<Finalized> {
  const { id } = await beginDeploy(ctx, actor, site, source);
  try {
    return await finalizeDeploy(ctx, actor, site, id);
  } catch (error) {
    await forget(ctx, id);
    throw error;
  }
}

function forget({ db }: Ctx, id: string): Promise<void> {
  return db.transaction(async (tx) => {
    const [row] = await tx
      .select()
      .from(deploys)
      .where(eq(deploys.id, parseDeployId(id)));
    if (row?.state === "uploading") await removeDeploy(tx, row);
  });
}
