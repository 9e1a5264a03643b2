import { and, count, eq, sum } from "drizzle-orm";

import { fail, type LandError } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { SiteRow } from "../rights.ts";
import { deploys } from "../tables.ts";
import { type ManifestFile, refusePath } from "./deploy-paths.ts";
import { UPLOADING } from "./deploy-rows.ts";

/** How much one deploy of a site may hold. */
export type DeployLimits = { files: number; fileBytes: number; deployBytes: number };

/** The limits of the server, or of the site where an admin set them. */
export function deployLimits(
  { config }: Pick<Ctx, "config">,
  { quotaFiles }: Pick<SiteRow, "quotaFiles">,
): DeployLimits {
  return {
    files: quotaFiles ?? config["sites.files"],
    fileBytes: config["sites.fileBytes"],
    deployBytes: config["sites.deployBytes"],
  };
}

/** Refuses files that are too large. @throws deploy_path_invalid */
export function checkFileSizes(files: readonly ManifestFile[], { fileBytes }: DeployLimits): void {
  for (const { path, sizeBytes } of files)
    if (sizeBytes > fileBytes)
      throw refusePath(path, `it is larger than ${fileBytes.toLocaleString("en-US")} bytes`);
}

/** Refuses a deploy of too many files or bytes. @throws quota_exceeded */
export function checkDeploySize(
  total: { files: number; sizeBytes: number },
  limits: DeployLimits,
): void {
  if (total.files > limits.files) throw exceeded("files", limits.files, total.files);
  if (total.sizeBytes > limits.deployBytes)
    throw exceeded("bytes", limits.deployBytes, total.sizeBytes);
}

/** Manifests of unfinished deploys are kept for a day: what a site may keep of them, in files of one deploy. */
const UNFINISHED = 10;

/** Refuses a site whose unfinished deploys list too much together. @throws quota_exceeded */
export async function checkUnfinished(tx: Tx, site: SiteRow, limits: DeployLimits): Promise<void> {
  const [row] = await tx
    .select({ files: sum(deploys.fileCount), deploys: count() })
    .from(deploys)
    .where(and(eq(deploys.siteId, site.id), UPLOADING));
  const needed = Number(row?.files ?? 0) + (row?.deploys ?? 0);
  const limit = limits.files * UNFINISHED;
  if (needed <= limit) return;
  throw fail("quota_exceeded", {
    what: `the list of files of the unfinished deploys of "${site.name}"`,
    limit,
    needed,
    unit: "files",
  });
}

function exceeded(unit: "files" | "bytes", limit: number, needed: number): LandError {
  return fail("quota_exceeded", { what: "the deploy", limit, needed, unit });
}
