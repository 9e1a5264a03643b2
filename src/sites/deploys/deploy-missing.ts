import { and, eq, type SQL, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import type { Digest } from "#base/names.ts";
import { giveWay } from "#base/slices.ts";
import { findReadableArchives } from "#registry/archives-known.ts";
import type { Ctx } from "#store/ctx.ts";

import { senderOf } from "../rights.ts";
import { deployFiles, siteBlobs, siteMembers, uploads } from "../tables.ts";
import type { DeployRow } from "./deploy-rows.ts";

type Unfinished = Pick<DeployRow, "id" | "siteId" | "createdBy" | "keyId">;

/** A blob that a manifest names; `sent`: its maker sent it lately. */
type Named = { digest: Digest; sizeBytes: number; sent: boolean };

const HOUR_MS = 3_600_000;
/** Digests judged between two turns of others. */
const PAGE = 500;
/** Files asked for at the same time. */
const AT_ONCE = 32;

/**
 * The blobs of an unfinished deploy that its maker must still send, each once: not on disk with the size that the manifest
 * says, or neither uploaded by its maker lately nor in anything that the maker may read. Whoever knows no more than a digest
 * learns nothing about who has the bytes.
 *
 * A deploy key is a maker of its own: it knows what it sent itself and what its site holds, and of the account nothing else.
 * Where `actor` is not the maker, only archives that everybody may read count as known.
 *
 * Asked after the manifest is committed: from then on the sweep sees it, so what is there stays there as long as the deploy is
 * unfinished. Blobs of finished deploys and archives have rows of their own that the sweep sees: only the rest is looked for.
 */
export async function findMissing(ctx: Ctx, actor: Actor, deploy: Unfinished): Promise<Digest[]> {
  const { userId, keyId } = senderOf(actor);
  const reader = userId === deploy.createdBy && keyId === deploy.keyId ? actor : undefined;
  const missing: Digest[] = [];
  for (let after = ""; ;) {
    const page = await findUnproven(ctx, deploy, after);
    if (page.last === undefined) return missing;
    const unsent = page.unproven.filter(({ sent }) => !sent).map(({ digest }) => digest);
    const archives = await findReadableArchives(ctx, reader, unsent);
    const queue = page.unproven.values();
    const look = async (): Promise<void> => {
      for (const { digest, sizeBytes, sent } of queue) {
        const known = sent || archives.has(digest);
        if (!known || (await ctx.blobs.sizeOf(digest)) !== sizeBytes) missing.push(digest);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, look));
    after = page.last;
    await giveWay();
  }
}

/** Of the next digests what no finished deploy of a site that the maker may read holds with that size. */
async function findUnproven(
  { db, config, now }: Ctx,
  { id, siteId, createdBy, keyId }: Unfinished,
  after: string,
): Promise<{ unproven: Named[]; last: Digest | undefined }> {
  const page = db.read
    .selectDistinct({ digest: deployFiles.digest, sizeBytes: deployFiles.sizeBytes })
    .from(deployFiles)
    .where(and(eq(deployFiles.deployId, id), sql`${deployFiles.digest} > ${after}`))
    .orderBy(deployFiles.digest)
    .limit(PAGE)
    .as("page");
  const same = sql`${siteBlobs.digest} = ${page.digest} AND ${siteBlobs.sizeBytes} = ${page.sizeBytes}`;
  const held: SQL[] = [
    sql`EXISTS (SELECT 1 FROM ${siteBlobs} WHERE ${siteBlobs.siteId} = ${siteId} AND ${same})`,
  ];
  // A key that may only deploy must not be a way to read another site. From the few sites of a member: never through all that hold a blob.
  if (keyId === null)
    held.push(
      sql`EXISTS (SELECT 1 FROM ${siteMembers} CROSS JOIN ${siteBlobs} ON ${siteBlobs.siteId} = ${siteMembers.siteId}
        WHERE ${siteMembers.userId} = ${createdBy} AND ${same})`,
    );
  const since = now().getTime() - config["sweep.graceHours"] * HOUR_MS;
  const sender = keyId === null ? sql`` : sql`AND ${uploads.keyId} = ${keyId}`;
  const sent = sql<number>`EXISTS (SELECT 1 FROM ${uploads} WHERE ${uploads.userId} = ${createdBy ?? -1}
    AND ${uploads.digest} = ${page.digest} AND ${uploads.at} > ${since} ${sender})`;
  const rows = await db.read
    .select({
      digest: page.digest,
      sizeBytes: page.sizeBytes,
      held: sql<number>`${sql.join(held, sql` OR `)}`,
      sent,
    })
    .from(page)
    .orderBy(page.digest);
  const unproven = rows.filter((row) => row.held === 0);
  return {
    unproven: unproven.map(({ digest, sizeBytes, sent: was }) => ({
      digest,
      sizeBytes,
      sent: was === 1,
    })),
    last: rows.at(-1)?.digest,
  };
}
