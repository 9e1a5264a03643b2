import { eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import type { Digest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { FinalizeBody, Finalized } from "../model.ts";
import { requireSite, senderOf, type SiteAccess, type SiteRow } from "../rights.ts";
import { deploys } from "../tables.ts";
import { MAY_DEPLOY } from "./deploy-create.ts";
import { findMissing } from "./deploy-missing.ts";
import {
  begunElsewhere,
  type DeployRow,
  liveDeployOf,
  readDeployRow,
  toFinalized,
} from "./deploy-rows.ts";
import { findWarnings } from "./deploy-warnings.ts";
import { findProgramRow, requireMayProgram, requireMayRelease } from "./program-rows.ts";
import { release, tellReleased } from "./release.ts";
import { holdBlobs } from "./usage.ts";

/**
 * Finishes a deploy: checks that its blobs are there, counts them, and unless it is a draft makes it live, in one transaction.
 * Again changes nothing: who lost the answer gets it again, even where another deploy is live meanwhile. A finished deploy
 * that never went live does so with `release: true`.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, deploy_not_found, deploy_incomplete, quota_exceeded,
 * invalid_input for a deploy without files and program; forbidden for a key with a deploy that it did not begin, program_key for
 * one that may bring no program (any more)
 */
export async function finalizeDeploy(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  id: string,
  body: FinalizeBody = {},
): Promise<Finalized> {
  const { site, actor: known } = await requireSite(ctx, actor, name, MAY_DEPLOY);
  let seen = await readDeployRow(ctx.db.read, site, id);
  for (;;) {
    const checked = seen;
    let warnings: string[] = [];
    if (checked.state === "uploading") {
      requireOwnKey(known, checked);
      await requireComplete(ctx, known, site, checked);
      warnings = [...checked.warnings, ...(await findWarnings(ctx, checked))];
    }
    const ended = await ctx.db.transaction(async (tx) => {
      const access = await requireSite(ctx, actor, name, MAY_DEPLOY);
      const row = await readDeployRow(tx, access.site, id);
      // Files that came since were not looked for.
      if (row.state === "uploading" && row.fileCount !== checked.fileCount) return row;
      return finish(
        ctx,
        tx,
        access,
        { ...row, warnings: row.state === "ready" ? row.warnings : warnings },
        body,
      );
    });
    if (!("row" in ended)) {
      seen = ended;
      continue;
    }
    tell(ctx, known, site, ended);
    return toFinalized(ctx, site, ended.row, await liveDeployOf(ctx.db.read, site.id));
  }
}

/** What a finalize did: `finished` and `released` where it was this one that did. */
type Ended = { row: DeployRow; finished: boolean; released: boolean };

/**
 * The blobs that were there before are there still: the sweep sees the manifest of an unfinished deploy, and this
 * transaction sees that the deploy is one.
 */
async function finish(
  ctx: Ctx,
  tx: Tx,
  { site, actor }: SiteAccess,
  row: DeployRow,
  body: FinalizeBody,
): Promise<Ended> {
  const finished = row.state === "uploading";
  const ready = finished ? await markReady(ctx, tx, { site, actor }, row) : row;
  const wanted = body.release ?? !row.draft;
  const released = wanted && ready.releasedAt === null;
  if (released && !finished) await requireMayRelease(tx, actor, site, ready);
  return {
    row: released ? await release(ctx, tx, actor, site, ready) : ready,
    finished,
    released,
  };
}

async function markReady(
  ctx: Ctx,
  tx: Tx,
  { site, actor }: Pick<SiteAccess, "site" | "actor">,
  row: DeployRow,
): Promise<DeployRow> {
  // The owner may have changed what keys may do, or what is live.
  const program = await findProgramRow(tx, row.id);
  if (program) await requireMayProgram(tx, actor, site, program);
  await holdBlobs(ctx, tx, site, row.id);
  const ready = { state: "ready" as const, finishedAt: ctx.now(), warnings: row.warnings };
  await tx.update(deploys).set(ready).where(eq(deploys.id, row.id));
  return { ...row, ...ready };
}

/** A key finishes what it began itself: what others named is judged by their rights. */
function requireOwnKey(actor: Actor, row: DeployRow): void {
  const { userId, keyId } = senderOf(actor);
  const isMaker = row.createdBy === userId && row.keyId === keyId;
  if (keyId !== null && !isMaker) throw begunElsewhere(`finish the deploy "${row.id}"`, row);
}

async function requireComplete(
  ctx: Ctx,
  actor: Actor,
  site: SiteRow,
  row: DeployRow,
): Promise<void> {
  if (row.fileCount === 0)
    throw fail("invalid_input", {
      field: "files",
      problem: "a deploy has at least one file, or a program",
    });
  const missing: Digest[] = await findMissing(ctx, actor, row);
  if (missing.length === 0) return;
  throw fail("deploy_incomplete", {
    site: site.name,
    deploy: row.id,
    missing: missing.map((digest) => digest.slice("sha256:".length)),
  });
}

function tell(ctx: Ctx, actor: Actor, site: SiteRow, { row, finished, released }: Ended): void {
  const about = { site: site.name, deploy: row.id, user: actor.name };
  if (finished) ctx.hooks.emit("deploy.finished", { ...about, live: released });
  if (released) tellReleased(ctx, actor, site, row, false);
  // The address of a draft is new to whoever serves sites, too.
  if (finished || released) ctx.hooks.emit("site.changed", { site: site.name });
}
