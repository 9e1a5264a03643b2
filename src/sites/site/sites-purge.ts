import { and, eq, sql } from "drizzle-orm";

import type { DeployId } from "#base/names.ts";
import { giveWay } from "#base/slices.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { deployFiles, deploys, siteBlobs, sites } from "../tables.ts";

/** Rows that one transaction removes, some milliseconds of the only thread. */
const STEP = 500;

/** The condition of sites that were removed but whose rows are not all gone. */
export const REMOVED = sql`${sites.name} LIKE '~%'`;

/**
 * Removes all rows of a site that was taken down, in steps between which other requests are answered: fifty deploys of
 * fifty thousand files would hold the server for half a minute. After a crash `finishRemovals` goes on.
 */
export async function purgeSite(ctx: Ctx, siteId: number): Promise<void> {
  for (const id of await listDeployIds(ctx, siteId)) {
    const files = sql`SELECT path FROM ${deployFiles} WHERE deploy_id = ${id} LIMIT ${STEP}`;
    await inSteps(ctx, (tx) =>
      tx
        .delete(deployFiles)
        .where(and(eq(deployFiles.deployId, id), sql`${deployFiles.path} IN (${files})`))
        .returning({ one: sql`1` }),
    );
    await ctx.db.transaction(async (tx) => {
      await tx.delete(deploys).where(eq(deploys.id, id));
    });
  }
  const blobs = sql`SELECT digest FROM ${siteBlobs} WHERE site_id = ${siteId} LIMIT ${STEP}`;
  await inSteps(ctx, (tx) =>
    tx
      .delete(siteBlobs)
      .where(and(eq(siteBlobs.siteId, siteId), sql`${siteBlobs.digest} IN (${blobs})`))
      .returning({ one: sql`1` }),
  );
  await ctx.db.transaction(async (tx) => {
    await tx.delete(sites).where(and(eq(sites.id, siteId), REMOVED));
  });
}

/** Removes what a crash left of removed sites. The server calls it once it runs. */
export async function finishRemovals(ctx: Ctx): Promise<void> {
  const rows = await ctx.db.read.select({ id: sites.id }).from(sites).where(REMOVED);
  for (const { id } of rows) await purgeSite(ctx, id);
}

/** The ids of all sites that are not removed. */
export async function listSiteIds(ctx: Ctx): Promise<ReadonlySet<number>> {
  const rows = await ctx.db.read
    .select({ id: sites.id })
    .from(sites)
    .where(sql`NOT ${REMOVED}`);
  return new Set(rows.map(({ id }) => id));
}

async function listDeployIds(ctx: Ctx, siteId: number): Promise<DeployId[]> {
  const rows = await ctx.db.read
    .select({ id: deploys.id })
    .from(deploys)
    .where(eq(deploys.siteId, siteId));
  return rows.map(({ id }) => id);
}

/** Runs a removal of at most `STEP` rows until it finds no more. */
async function inSteps(ctx: Ctx, remove: (tx: Tx) => Promise<unknown[]>): Promise<void> {
  for (let removed = STEP; removed >= STEP;) {
    removed = await ctx.db.transaction(async (tx) => (await remove(tx)).length);
    // The driver is synchronous: without this no other request gets its turn.
    await giveWay();
  }
}
