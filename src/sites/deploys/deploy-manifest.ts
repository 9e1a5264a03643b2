import { eq, or, type SQL, sql } from "drizzle-orm";

import type { DeployId } from "#base/names.ts";
import { giveWay } from "#base/slices.ts";
import type { Tx } from "#store/db.ts";

import { deployFiles, deploys } from "../tables.ts";
import { checkDeploySize, type DeployLimits } from "./deploy-limits.ts";
import { foldersOf, type ManifestFile, refusePath } from "./deploy-paths.ts";
import type { DeployRow } from "./deploy-rows.ts";

/** Files written, and folders looked for, between two turns of others. */
const FILES = 500;
const FOLDERS = 2000;

const path = sql<string>`(value ->> 0)`;
const digest = sql`(value ->> 1)`;
const sizeBytes = sql`(value ->> 2)`;

/**
 * Adds files to the manifest of an unfinished deploy, inside the caller's transaction, in slices of some milliseconds. A file that
 * it has already must be the same.
 *
 * @throws deploy_path_invalid, quota_exceeded
 */
export async function addToManifest(
  tx: Tx,
  { id, fileCount, sizeBytes: size }: Pick<DeployRow, "id" | "fileCount" | "sizeBytes">,
  files: readonly ManifestFile[],
  limits: DeployLimits,
): Promise<void> {
  const total = { files: fileCount, sizeBytes: size };
  if (fileCount > 0) await refuseFilesAsFolders(tx, id, files);
  for (let at = 0; at < files.length; at += FILES) {
    const lines = files
      .slice(at, at + FILES)
      .map((file) => [file.path, file.digest, file.sizeBytes]);
    const listed = sql`json_each(${JSON.stringify(lines)})`;
    if (fileCount > 0) await refuseOthers(tx, id, listed);
    const added = await tx
      .insert(deployFiles)
      .select(
        sql`SELECT ${id}, ${path}, ${digest}, ${sizeBytes} FROM ${listed} WHERE true ORDER BY 2`,
      )
      .onConflictDoNothing()
      .returning({ sizeBytes: deployFiles.sizeBytes });
    total.files += added.length;
    for (const row of added) total.sizeBytes += row.sizeBytes;
    checkDeploySize(total, limits);
    await refuseTwoSizes(tx, id, listed);
    await giveWay();
  }
  await tx
    .update(deploys)
    .set({ fileCount: total.files, sizeBytes: total.sizeBytes })
    .where(eq(deploys.id, id));
}

/** Refuses files that the deploy has otherwise, or as a folder. */
async function refuseOthers(tx: Tx, id: DeployId, listed: SQL): Promise<void> {
  const is = sql`${deployFiles.path} = ${path}`;
  const differs = sql`(${deployFiles.digest} <> ${digest} OR ${deployFiles.sizeBytes} <> ${sizeBytes})`;
  const other = await findListed(tx, listed, holds(id, sql`${is} AND ${differs}`));
  if (other !== undefined)
    throw refusePath(other, "an earlier part of the deploy has it with another content");
  // "0" comes right after "/".
  const below = sql`${deployFiles.path} > ${path} || '/' AND ${deployFiles.path} < ${path} || '0'`;
  const folder = await findListed(tx, listed, holds(id, below));
  if (folder !== undefined) throw refusePath(folder, "it is a file and a folder");
}

/** One look-up for each line of a list, in an index: joined, SQLite may begin at the other end. */
function holds(id: DeployId, condition: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM ${deployFiles} WHERE ${deployFiles.deployId} = ${id} AND ${condition})`;
}

async function findListed(
  tx: Tx,
  listed: SQL,
  where: SQL | undefined,
): Promise<string | undefined> {
  const [line] = await tx.select({ path }).from(listed).where(where).limit(1);
  return line?.path;
}

/** Refuses files in a folder that is a file of the deploy. */
async function refuseFilesAsFolders(
  tx: Tx,
  id: DeployId,
  files: readonly ManifestFile[],
): Promise<void> {
  const seen = new Set<string>();
  let folders: string[] = [];
  const look = async (): Promise<void> => {
    const listed = sql`json_each(${JSON.stringify(folders)})`;
    folders = [];
    const [file] = await tx
      .select({ path: sql<string>`value` })
      .from(listed)
      .where(holds(id, sql`${deployFiles.path} = value`))
      .limit(1);
    if (file) throw refusePath(file.path, "it is a file and a folder");
    await giveWay();
  };
  for (const file of files)
    for (const folder of foldersOf(file.path)) {
      if (seen.has(folder)) break;
      seen.add(folder);
      folders.push(folder);
      if (folders.length >= FOLDERS) await look();
    }
  if (folders.length > 0) await look();
}

/** The same digest with two sizes is one lie at least. */
async function refuseTwoSizes(tx: Tx, id: DeployId, listed: SQL): Promise<void> {
  const other = (than: SQL): SQL =>
    holds(
      id,
      sql`${deployFiles.digest} = ${digest} AND ${deployFiles.sizeBytes} ${than} ${sizeBytes}`,
    );
  const lie = await findListed(tx, listed, or(other(sql`<`), other(sql`>`)));
  if (lie !== undefined) throw refusePath(lie, "the same content is listed with another size too");
}
