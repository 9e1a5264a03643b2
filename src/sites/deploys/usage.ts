import { and, eq, lte, type SQL, sql, sum } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import type { DeployId } from "#base/names.ts";
import { giveWay } from "#base/slices.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { SiteRow } from "../rights.ts";
import { deployFiles, siteBlobs, sites } from "../tables.ts";

/** Blobs counted between two turns of others. */
const STEP = 1000;

/**
 * Counts the blobs of a deploy that is being finished towards its site, in slices of some milliseconds. Equal blobs count once, in a
 * deploy and over all deploys of the site.
 *
 * @throws quota_exceeded for the disk of the site or of all sites that its maker made
 */
export async function holdBlobs(ctx: Ctx, tx: Tx, site: SiteRow, id: DeployId): Promise<void> {
  let more = 0;
  for await (const digests of digestsOf(tx, id)) {
    more -= await heldBytes(tx, site.id, digests);
    const blobs = tx
      .select({
        siteId: sql<number>`${site.id}`.as("site_id"),
        digest: deployFiles.digest,
        sizeBytes: sql<number>`min(${deployFiles.sizeBytes})`.as("size_bytes"),
        deploys: sql<number>`1`.as("deploys"),
      })
      .from(deployFiles)
      .where(and(eq(deployFiles.deployId, id), sql`${deployFiles.digest} IN ${digests}`))
      .groupBy(deployFiles.digest);
    await tx
      .insert(siteBlobs)
      .select(blobs)
      .onConflictDoUpdate({
        target: [siteBlobs.siteId, siteBlobs.digest],
        set: { deploys: sql`${siteBlobs.deploys} + 1` },
      });
    more += await heldBytes(tx, site.id, digests);
  }
  const used = await noteUsed(tx, site.id, more);
  if (more > 0) await checkQuotas(ctx, tx, site, used);
}

/** Takes the blobs of a deploy that is being removed off its site, in slices of some milliseconds. */
export async function dropBlobs(tx: Tx, siteId: number, id: DeployId): Promise<void> {
  let freed = 0;
  for await (const digests of digestsOf(tx, id)) {
    freed += await heldBytes(tx, siteId, digests);
    const held = and(eq(siteBlobs.siteId, siteId), sql`${siteBlobs.digest} IN ${digests}`);
    await tx
      .update(siteBlobs)
      .set({ deploys: sql`${siteBlobs.deploys} - 1` })
      .where(held);
    await tx.delete(siteBlobs).where(and(held, lte(siteBlobs.deploys, 0)));
    freed -= await heldBytes(tx, siteId, digests);
  }
  await noteUsed(tx, siteId, -freed);
}

/** The digests of a deploy, some at a time, each lot as what stands after IN. */
async function* digestsOf(tx: Tx, id: DeployId): AsyncGenerator<SQL> {
  for (let after = ""; ;) {
    const rows = await tx
      .selectDistinct({ digest: deployFiles.digest })
      .from(deployFiles)
      .where(and(eq(deployFiles.deployId, id), sql`${deployFiles.digest} > ${after}`))
      .orderBy(deployFiles.digest)
      .limit(STEP);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield sql`(SELECT value FROM json_each(${JSON.stringify(rows.map(({ digest }) => digest))}))`;
    after = last.digest;
    await giveWay();
  }
}

async function heldBytes(tx: Tx, siteId: number, digests: SQL): Promise<number> {
  const [row] = await tx
    .select({ bytes: sum(siteBlobs.sizeBytes) })
    .from(siteBlobs)
    .where(and(eq(siteBlobs.siteId, siteId), sql`${siteBlobs.digest} IN ${digests}`));
  return Number(row?.bytes ?? 0);
}

async function noteUsed(tx: Tx, siteId: number, more: number): Promise<number> {
  const used = (await usedBytes(tx, siteId)) + more;
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
