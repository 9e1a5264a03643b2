import { and, eq, inArray, lte, sql, sum } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import type { DeployId } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { SiteRow } from "./rights.ts";
import { deployFiles, siteBlobs, sites } from "./tables.ts";

/**
 * Counts the blobs of a deploy that is being finished towards its site. Equal blobs count once, in a deploy and over all
 * deploys of the site.
 *
 * @throws quota_exceeded for the disk of the site or of all sites that its maker made
 */
export async function holdBlobs(ctx: Ctx, tx: Tx, site: SiteRow, id: DeployId): Promise<void> {
  const before = await usedBytes(tx, site.id);
  const blobs = tx
    .select({
      siteId: sql<number>`${site.id}`.as("site_id"),
      digest: deployFiles.digest,
      sizeBytes: sql<number>`min(${deployFiles.sizeBytes})`.as("size_bytes"),
      deploys: sql<number>`1`.as("deploys"),
    })
    .from(deployFiles)
    .where(eq(deployFiles.deployId, id))
    .groupBy(deployFiles.digest);
  await tx
    .insert(siteBlobs)
    .select(blobs)
    .onConflictDoUpdate({
      target: [siteBlobs.siteId, siteBlobs.digest],
      set: { deploys: sql`${siteBlobs.deploys} + 1` },
    });
  const used = await noteUsed(tx, site.id);
  if (used > before) await checkQuotas(ctx, tx, site, used);
}

/** Takes the blobs of a deploy that is being removed off its site. */
export async function dropBlobs(tx: Tx, siteId: number, id: DeployId): Promise<void> {
  const named = tx
    .select({ digest: deployFiles.digest })
    .from(deployFiles)
    .where(eq(deployFiles.deployId, id));
  const held = and(eq(siteBlobs.siteId, siteId), inArray(siteBlobs.digest, named));
  await tx
    .update(siteBlobs)
    .set({ deploys: sql`${siteBlobs.deploys} - 1` })
    .where(held);
  await tx.delete(siteBlobs).where(and(held, lte(siteBlobs.deploys, 0)));
  await noteUsed(tx, siteId);
}

async function noteUsed(tx: Tx, siteId: number): Promise<number> {
  const [row] = await tx
    .select({ bytes: sum(siteBlobs.sizeBytes) })
    .from(siteBlobs)
    .where(eq(siteBlobs.siteId, siteId));
  const used = Number(row?.bytes ?? 0);
  await tx.update(sites).set({ usedBytes: used }).where(eq(sites.id, siteId));
  return used;
}

async function usedBytes(tx: Tx, siteId: number): Promise<number> {
  const [row] = await tx.select({ used: sites.usedBytes }).from(sites).where(eq(sites.id, siteId));
  return row?.used ?? 0;
}

/** A deploy that takes no more disk is never refused: it may be the one that makes a site smaller. */
async function checkQuotas(ctx: Ctx, tx: Tx, site: SiteRow, used: number): Promise<void> {
  const limit = site.quotaBytes ?? ctx.config["sites.siteBytes"];
  if (used > limit)
    throw fail("quota_exceeded", {
      what: `the site "${site.name}"`,
      limit,
      needed: used,
      unit: "bytes",
    });
  if (site.createdBy === null) return;
  const [row] = await tx
    .select({ bytes: sum(sites.usedBytes) })
    .from(sites)
    .where(eq(sites.createdBy, site.createdBy));
  const needed = Number(row?.bytes ?? 0);
  const account = ctx.config["sites.accountBytes"];
  if (needed > account)
    throw fail("quota_exceeded", {
      what: "all sites of the account together",
      limit: account,
      needed,
      unit: "bytes",
    });
}
