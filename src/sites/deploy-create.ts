import { and, count, eq, sql, sum } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { type DeployId, parseDeployId, printableLines } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import {
  checkDeploySize,
  checkFileSizes,
  checkUnfinished,
  type DeployLimits,
  deployLimits,
} from "./deploy-limits.ts";
import { findMissing } from "./deploy-missing.ts";
import { foldersOf, type ManifestFile, parseFileList, refusePath } from "./deploy-paths.ts";
import { type DeployRow, readUploading } from "./deploy-rows.ts";
import type { DeployBody, DeployPart, DeployStarted } from "./model.ts";
import { keyNameOf, type Need, requireSite, senderOf, type SiteRow } from "./rights.ts";
import { deployFiles, deploys } from "./tables.ts";

/** What every act of deploying asks for. */
export const MAY_DEPLOY: Need = { action: "deploy to", role: "developer", scope: "deploy" };

/** Rows of one INSERT, far below the most values that SQLite takes. */
const ROWS = 1000;
const ID_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** What a deploy is begun with: `source` tells by which door the files came. */
export type NewDeploy = Pick<DeployBody, "message" | "draft"> & {
  files: readonly ManifestFile[];
  source: DeployRow["source"];
};

/**
 * Begins a deploy: records what its files are to be, and answers which blobs the account must send. Nothing of it is to be
 * seen until it is finished; after `sweep.graceHours` it is forgotten.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, invalid_input, deploy_path_invalid, quota_exceeded
 */
export async function createDeploy(
  ctx: Ctx,
  actor: Actor | undefined,
  site: string,
  body: DeployBody,
): Promise<DeployStarted> {
  await requireSite(ctx, actor, site, MAY_DEPLOY);
  if (body.program !== undefined)
    throw fail("invalid_input", {
      field: "program",
      problem: "this server does not run programs",
    });
  const { message, draft } = body;
  return beginDeploy(ctx, actor, site, {
    files: parseFileList(body.files),
    source: "api",
    ...(message !== undefined && { message }),
    ...(draft !== undefined && { draft }),
  });
}

/** Begins a deploy of files that were checked already. It throws what `createDeploy` does, but for what is wrong with paths. */
export async function beginDeploy(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  { files, source, message = "", draft = false }: NewDeploy,
): Promise<DeployStarted> {
  const begun = await ctx.db.transaction(async (tx) => {
    const { site, actor: maker } = await requireSite(ctx, actor, name, MAY_DEPLOY);
    const limits = deployLimits(ctx, site);
    checkFileSizes(files, limits);
    const row = {
      id: makeDeployId(ctx),
      siteId: site.id,
      state: "uploading" as const,
      draft,
      message: printableLines(message),
      source,
      createdAt: ctx.now(),
      createdBy: maker.userId,
      keyName: keyNameOf(maker),
      keyId: senderOf(maker).keyId,
    };
    await tx.insert(deploys).values(row);
    await insertFiles(tx, row.id, files);
    await noteTotals(tx, site, row.id, limits);
    return { row, maker };
  });
  return started(ctx, begun.maker, begun.row);
}

/**
 * Adds files to a deploy that is not finished. A file that it has already must be the same.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, deploy_not_found, deploy_finished, forbidden,
 * deploy_path_invalid, quota_exceeded
 */
export async function addFiles(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  id: string,
  part: DeployPart,
): Promise<DeployStarted> {
  await requireSite(ctx, actor, name, MAY_DEPLOY);
  const files = parseFileList(part.files);
  const begun = await ctx.db.transaction(async (tx) => {
    const { site, actor: maker } = await requireSite(ctx, actor, name, MAY_DEPLOY);
    const row = await readUploading(tx, site, id, senderOf(maker));
    const limits = deployLimits(ctx, site);
    checkFileSizes(files, limits);
    const fresh = await withoutKnown(tx, row.id, files);
    await insertFiles(tx, row.id, fresh);
    await noteTotals(tx, site, row.id, limits);
    return { row, maker };
  });
  return started(ctx, begun.maker, begun.row);
}

async function started(
  ctx: Ctx,
  actor: Actor,
  row: Parameters<typeof findMissing>[2],
): Promise<DeployStarted> {
  const missing = await findMissing(ctx, actor, row);
  return { id: row.id, missing: missing.map((digest) => digest.slice("sha256:".length)) };
}

async function insertFiles(
  tx: Tx,
  deployId: DeployId,
  files: readonly ManifestFile[],
): Promise<void> {
  for (let at = 0; at < files.length; at += ROWS) {
    const rows = files.slice(at, at + ROWS);
    await tx
      .insert(deployFiles)
      .values(rows.map(({ path, digest, sizeBytes }) => ({ deployId, path, digest, sizeBytes })));
  }
}

/** The files that the deploy does not have yet. @throws deploy_path_invalid for one that it has otherwise */
async function withoutKnown(
  tx: Tx,
  deployId: DeployId,
  files: readonly ManifestFile[],
): Promise<ManifestFile[]> {
  const rows = await tx.select().from(deployFiles).where(eq(deployFiles.deployId, deployId));
  const known = new Map(rows.map((row) => [row.path, row]));
  const folders = new Set<string>();
  for (const { path } of rows) for (const folder of foldersOf(path)) folders.add(folder);
  return files.filter((file) => {
    const { path, digest, sizeBytes } = file;
    if (folders.has(path)) throw refusePath(path, "it is a file and a folder");
    for (const folder of foldersOf(path))
      if (known.has(folder)) throw refusePath(folder, "it is a file and a folder");
    const row = known.get(path);
    if (row && (row.digest !== digest || row.sizeBytes !== sizeBytes))
      throw refusePath(path, "an earlier part of the deploy has it with another content");
    return row === undefined;
  });
}

/** Counts the files and bytes of a deploy anew, and holds them to the limits. */
async function noteTotals(
  tx: Tx,
  site: SiteRow,
  id: DeployId,
  limits: DeployLimits,
): Promise<void> {
  const [row] = await tx
    .select({ files: count(), sizeBytes: sum(deployFiles.sizeBytes) })
    .from(deployFiles)
    .where(eq(deployFiles.deployId, id));
  const total = { files: row?.files ?? 0, sizeBytes: Number(row?.sizeBytes ?? 0) };
  checkDeploySize(total, limits);
  await refuseTwoSizes(tx, id);
  await tx
    .update(deploys)
    .set({ fileCount: total.files, sizeBytes: total.sizeBytes })
    .where(eq(deploys.id, id));
  await checkUnfinished(tx, site, limits);
}

/** The same digest with two sizes is one lie at least. */
async function refuseTwoSizes(tx: Tx, id: DeployId): Promise<void> {
  const [lie] = await tx
    .select({ path: sql<string>`min(${deployFiles.path})` })
    .from(deployFiles)
    .where(and(eq(deployFiles.deployId, id)))
    .groupBy(deployFiles.digest)
    .having(sql`min(${deployFiles.sizeBytes}) <> max(${deployFiles.sizeBytes})`)
    .limit(1);
  if (lie) throw refusePath(lie.path, "the same content is listed with another size too");
}

/** Ten digits of 36, each as likely as any other: bytes past the last multiple of 36 are drawn again. */
export function makeDeployId({ random }: Pick<Ctx, "random">): DeployId {
  const usable = 256 - (256 % ID_DIGITS.length);
  let id = "";
  while (id.length < 10)
    for (const byte of random(16))
      if (byte < usable && id.length < 10) id += ID_DIGITS.charAt(byte % ID_DIGITS.length);
  return parseDeployId(id);
}
