import { and, eq, sql } from "drizzle-orm";

import { fail, type LandError } from "#base/errors.ts";
import { type DeployId, isDeployId, printable } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { deployUrl, siteUrl } from "../addresses.ts";
import type { Deploy, Finalized, Program } from "../model.ts";
import type { Sender, SiteRow } from "../rights.ts";
import { deploys, sites } from "../tables.ts";

/** A row of the table of deploys. */
export type DeployRow = typeof deploys.$inferSelect;

/** The condition of unfinished deploys: a literal, since SQLite knows its index of them by that. */
export const UPLOADING = sql`${deploys.state} = 'uploading'`;

/** A deploy of a site by its id. @throws deploy_not_found */
export async function readDeployRow(
  db: Tx,
  site: Pick<SiteRow, "id" | "name">,
  id: string,
): Promise<DeployRow> {
  const row = isDeployId(id) ? await findDeployRow(db, site, id) : undefined;
  if (!row) throw fail("deploy_not_found", { site: site.name, deploy: printable(id) });
  return row;
}

async function findDeployRow(
  db: Tx,
  site: Pick<SiteRow, "id">,
  id: DeployId,
): Promise<DeployRow | undefined> {
  const [row] = await db
    .select()
    .from(deploys)
    .where(and(eq(deploys.id, id), eq(deploys.siteId, site.id)));
  return row;
}

/** A deploy that still takes files and blobs, for the account or the key that began it: what others name is judged by its rights. */
export async function readUploading(
  db: Tx,
  site: Pick<SiteRow, "id" | "name">,
  id: string,
  sender: Sender,
): Promise<DeployRow> {
  const row = await readDeployRow(db, site, id);
  if (row.state === "ready") throw fail("deploy_finished", { deploy: row.id });
  const action = `send files of the deploy "${row.id}"`;
  if (row.createdBy !== sender.userId)
    throw fail("forbidden", { action, reason: "another account began it" });
  if (row.keyId !== sender.keyId) throw begunElsewhere(action, row);
  return row;
}

/** The refusal of a deploy that was begun with another key, or with the account itself. */
export function begunElsewhere(action: string, { keyId }: Pick<DeployRow, "keyId">): LandError {
  const by = keyId === null ? "the account itself began it" : "another key began it";
  return fail("forbidden", { action, reason: `${by}: begin a new deploy` });
}

/** The deploy that visitors of a site get now, as the database says at this moment. */
export async function liveDeployOf(db: Tx, siteId: number): Promise<DeployId | null> {
  const [row] = await db.select({ live: sites.liveDeploy }).from(sites).where(eq(sites.id, siteId));
  return row?.live ?? null;
}

/** What is told of a deploy that stands elsewhere: the name of the account that made it, and its program. */
export type DeployBeside = { createdBy: string | null; program: Program | null };

/** A deploy as the API tells it. */
export function toDeploy(
  ctx: Ctx,
  { name, liveDeploy }: Pick<SiteRow, "name" | "liveDeploy">,
  row: DeployRow,
  { createdBy, program }: DeployBeside,
): Deploy {
  return {
    id: row.id,
    site: name,
    state: row.state,
    live: row.id === liveDeploy,
    draft: row.draft,
    message: row.message,
    source: row.source,
    files: row.fileCount,
    sizeBytes: row.sizeBytes,
    program,
    warnings: row.warnings,
    url: deployUrl(ctx, name, row.id),
    createdAt: row.createdAt.toISOString(),
    createdBy,
    key: row.keyName,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    releasedAt: row.releasedAt?.toISOString() ?? null,
  };
}

/** What finishing, releasing or rolling back to a deploy answers. */
export function toFinalized(
  ctx: Ctx,
  { name }: Pick<SiteRow, "name">,
  row: DeployRow,
  live: DeployId | null,
): Finalized {
  return {
    id: row.id,
    site: name,
    url: siteUrl(ctx, name),
    deployUrl: deployUrl(ctx, name, row.id),
    live: row.id === live,
    files: row.fileCount,
    sizeBytes: row.sizeBytes,
    warnings: row.warnings,
  };
}
