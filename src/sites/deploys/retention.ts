import { and, eq, inArray, isNull, lt, lte, notExists, sql } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";

import { deploys, heldNames, releases, sites, uploads } from "../tables.ts";
import { removeDeploy } from "./deploy-delete.ts";
import { type DeployRow, UPLOADING } from "./deploy-rows.ts";

/** What was removed. */
export type Removed = { deploys: number; uploads: number; names: number };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Rows removed in one transaction: writers wait that long. */
const BATCH = 2000;

type Old = Pick<DeployRow, "id" | "siteId" | "state">;

/**
 * Removes what is kept no longer: released deploys past `sites.keepDeploys`, never the live one; finished ones that never went
 * live after `sites.draftDays`; unfinished ones and the record of uploads after `sweep.graceHours`; held names whose time is
 * over. To be run every hour, before the sweep.
 */
export async function keepRecent(ctx: Ctx): Promise<Removed> {
  const removed: Removed = { deploys: 0, uploads: 0, names: 0 };
  const changed = new Set<string>();
  for (const old of [
    ...(await findSuperseded(ctx)),
    ...(await findUnreleased(ctx)),
    ...(await findUnfinished(ctx)),
  ]) {
    const site = await removeOld(ctx, old);
    if (site === undefined) continue;
    removed.deploys += 1;
    if (old.state === "ready") changed.add(site);
  }
  for (const site of changed) ctx.hooks.emit("site.changed", { site });
  removed.uploads = await forgetUploads(ctx);
  removed.names = await freeNames(ctx);
  await forgetReleases(ctx);
  return removed;
}

/** All released deploys but the live one and the last of the others. */
function findSuperseded({ db, config }: Ctx): Promise<Old[]> {
  const ranked = db.read
    .select({
      id: deploys.id,
      siteId: deploys.siteId,
      state: deploys.state,
      rank: sql<number>`row_number() OVER (PARTITION BY ${deploys.siteId} ORDER BY ${deploys.releasedAt} DESC)`.as(
        "rank",
      ),
    })
    .from(deploys)
    .innerJoin(sites, eq(sites.id, deploys.siteId))
    .where(
      and(
        eq(deploys.state, "ready"),
        sql`${deploys.releasedAt} IS NOT NULL`,
        sql`${sites.liveDeploy} IS NOT ${deploys.id}`,
      ),
    )
    .as("ranked");
  return db.read
    .select({ id: ranked.id, siteId: ranked.siteId, state: ranked.state })
    .from(ranked)
    .where(sql`${ranked.rank} > ${config["sites.keepDeploys"] - 1}`);
}

function findUnreleased({ db, config, now }: Ctx): Promise<Old[]> {
  const before = new Date(now().getTime() - config["sites.draftDays"] * DAY_MS);
  return db.read
    .select({ id: deploys.id, siteId: deploys.siteId, state: deploys.state })
    .from(deploys)
    .where(
      and(eq(deploys.state, "ready"), isNull(deploys.releasedAt), lte(deploys.finishedAt, before)),
    );
}

function findUnfinished(ctx: Ctx): Promise<Old[]> {
  return ctx.db.read
    .select({ id: deploys.id, siteId: deploys.siteId, state: deploys.state })
    .from(deploys)
    .where(and(UPLOADING, lte(deploys.createdAt, endOfGrace(ctx))));
}

/** Each in a transaction of its own, which looks again: it may be live or finished by now. Answers the name of its site. */
function removeOld({ db }: Ctx, { id, state }: Old): Promise<string | undefined> {
  return db.transaction(async (tx) => {
    const [row] = await tx
      .select({ deploy: deploys, site: sites })
      .from(deploys)
      .innerJoin(sites, eq(sites.id, deploys.siteId))
      .where(and(eq(deploys.id, id), eq(deploys.state, state)));
    if (!row || row.site.liveDeploy === id) return undefined;
    await removeDeploy(tx, row.deploy);
    return row.site.name;
  });
}

async function forgetUploads(ctx: Ctx): Promise<number> {
  const before = endOfGrace(ctx);
  for (let total = 0; ;) {
    const gone = await ctx.db.transaction((tx) =>
      tx
        .delete(uploads)
        .where(
          inArray(
            sql`(${uploads.userId}, ${uploads.digest}, ${uploads.keyId})`,
            tx
              .select({ userId: uploads.userId, digest: uploads.digest, keyId: uploads.keyId })
              .from(uploads)
              .where(lte(uploads.at, before))
              .limit(BATCH),
          ),
        )
        .returning({ userId: uploads.userId }),
    );
    total += gone.length;
    if (gone.length < BATCH) return total;
  }
}

async function freeNames(ctx: Ctx): Promise<number> {
  const gone = await ctx.db.transaction((tx) =>
    tx.delete(heldNames).where(lt(heldNames.until, ctx.now())).returning({ name: heldNames.name }),
  );
  return gone.length;
}

/** The history names deploys that can be looked at. */
async function forgetReleases({ db }: Ctx): Promise<void> {
  await db.transaction((tx) =>
    tx
      .delete(releases)
      .where(
        notExists(
          tx.select({ id: deploys.id }).from(deploys).where(eq(deploys.id, releases.deployId)),
        ),
      ),
  );
}

function endOfGrace({ config, now }: Ctx): Date {
  return new Date(now().getTime() - config["sweep.graceHours"] * HOUR_MS);
}
