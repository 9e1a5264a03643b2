import { and, eq, gt, type SQL, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import type { DeployId, Digest } from "#base/names.ts";
import { findReadableArchives } from "#registry/archives-known.ts";
import type { Ctx } from "#store/ctx.ts";

import type { DeployRow } from "./deploy-rows.ts";
import { deployFiles, siteBlobs, siteMembers, uploads } from "./tables.ts";

/** A blob that a manifest names. */
type Named = { digest: Digest; sizeBytes: number };

const HOUR_MS = 3_600_000;
/** Digests in one question to the registry. */
const BATCH = 500;
/** Files asked for at the same time. */
const AT_ONCE = 32;

/**
 * The blobs of an unfinished deploy that its maker must still send, each once: not on disk with the size that the manifest
 * says, or neither uploaded by the account lately nor in anything that it may read. Whoever knows no more than a digest
 * learns nothing about who has the bytes.
 *
 * Asked after the manifest is committed: from then on the sweep sees it, so what is there stays there as long as the deploy is
 * unfinished. Blobs of finished deploys and archives have rows of their own that the sweep sees: only the rest is looked for.
 */
export async function findMissing(
  ctx: Ctx,
  actor: Actor,
  deploy: Pick<DeployRow, "id" | "siteId" | "createdBy" | "keyName">,
): Promise<Digest[]> {
  const unproven = await findUnproven(ctx, deploy);
  const archives = await findArchives(ctx, actor, unproven);
  const sent = await findSent(ctx, deploy);
  const missing: Digest[] = [];
  const queue = unproven.values();
  const look = async (): Promise<void> => {
    for (const { digest, sizeBytes } of queue) {
      const known = sent.has(digest) || archives.has(digest);
      if (!known || (await ctx.blobs.sizeOf(digest)) !== sizeBytes) missing.push(digest);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, look));
  return missing;
}

/** What no finished deploy of a site that its maker may read holds with that size. */
function findUnproven(
  { db }: Ctx,
  { id, siteId, createdBy, keyName }: Pick<DeployRow, "id" | "siteId" | "createdBy" | "keyName">,
): Promise<Named[]> {
  const held: SQL[] = [
    sql`NOT EXISTS (SELECT 1 FROM ${siteBlobs} WHERE ${siteBlobs.siteId} = ${siteId}
      AND ${siteBlobs.digest} = ${deployFiles.digest} AND ${siteBlobs.sizeBytes} = ${deployFiles.sizeBytes})`,
  ];
  // A key that may only deploy must not be a way to read another site. From the few sites of a member: never through all that hold a blob.
  if (keyName === null)
    held.push(
      sql`NOT EXISTS (SELECT 1 FROM ${siteMembers} CROSS JOIN ${siteBlobs} ON ${siteBlobs.siteId} = ${siteMembers.siteId}
        WHERE ${siteMembers.userId} = ${createdBy}
        AND ${siteBlobs.digest} = ${deployFiles.digest} AND ${siteBlobs.sizeBytes} = ${deployFiles.sizeBytes})`,
    );
  return db.read
    .selectDistinct({ digest: deployFiles.digest, sizeBytes: deployFiles.sizeBytes })
    .from(deployFiles)
    .where(and(eq(deployFiles.deployId, id), ...held));
}

/** What the maker's account uploaded within the sweep's grace. */
async function findSent(
  { db, config, now }: Ctx,
  { id, createdBy }: { id: DeployId; createdBy: number | null },
): Promise<ReadonlySet<Digest>> {
  const since = new Date(now().getTime() - config["sweep.graceHours"] * HOUR_MS);
  const rows = await db.read
    .selectDistinct({ digest: uploads.digest })
    .from(deployFiles)
    .innerJoin(uploads, eq(uploads.digest, deployFiles.digest))
    .where(
      and(eq(deployFiles.deployId, id), eq(uploads.userId, createdBy ?? -1), gt(uploads.at, since)),
    );
  return new Set(rows.map(({ digest }) => digest));
}

async function findArchives(
  ctx: Ctx,
  actor: Actor,
  named: readonly Named[],
): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  for (let at = 0; at < named.length; at += BATCH) {
    const digests = named.slice(at, at + BATCH).map(({ digest }) => digest);
    for (const digest of await findReadableArchives(ctx, actor, digests)) found.add(digest);
  }
  return found;
}
