import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { Offer } from "#http/file.ts";
import type { Ctx } from "#store/ctx.ts";

import { requireSite } from "../rights.ts";
import { deployFiles } from "../tables.ts";
import { MAY_OPEN } from "./deploy-read.ts";
import { readDeployRow } from "./deploy-rows.ts";

/**
 * The bytes of one file of a finished deploy, to be saved and never shown: they are a user's, on our own origin.
 *
 * @throws unauthenticated, scope_missing, site_not_found, deploy_not_found, not_found
 */
export async function openDeployFile(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  id: string,
  path: string,
): Promise<Offer> {
  const { site } = await requireSite(ctx, actor, name, MAY_OPEN);
  const deploy = await readDeployRow(ctx.db.read, site, id);
  const [row] = await ctx.db.read
    .select()
    .from(deployFiles)
    .where(and(eq(deployFiles.deployId, deploy.id), eq(deployFiles.path, path.normalize("NFC"))));
  // What a manifest only names says nothing about who may read it.
  if (!row || deploy.state !== "ready")
    throw fail("not_found", { what: `the file "${printable(path)}" of the deploy` });
  const file = await ctx.blobs.find(row.digest);
  if (!file) throw new Error(`the blob ${row.digest} of the deploy ${deploy.id} is not on disk`);
  return {
    file,
    sizeBytes: row.sizeBytes,
    etag: `"${row.digest}"`,
    type: "application/octet-stream",
    filename: row.path.slice(row.path.lastIndexOf("/") + 1),
    cacheControl: "private, no-store",
  };
}
