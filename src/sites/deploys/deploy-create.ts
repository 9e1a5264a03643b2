/**
 * `src/sites/deploys` is deploys: manifests, uploads, finishing, releasing, going back, and what is kept how long.
 * Its routes and the pages call it. It must never release a deploy of which a byte is missing.
 */
import type { Actor } from "#accounts/actor.ts";
import { requireActor } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { type DeployId, parseDeployId, printableLines } from "#base/names.ts";
import { runInSlices } from "#base/slices.ts";
import { createTurns } from "#base/turns.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { DeployBody, DeployPart, DeployStarted } from "../model.ts";
import { keyNameOf, type Need, requireSite, senderOf } from "../rights.ts";
import { deploys } from "../tables.ts";
import { checkFileSizes, checkUnfinished, deployLimits } from "./deploy-limits.ts";
import { addToManifest } from "./deploy-manifest.ts";
import { findMissing } from "./deploy-missing.ts";
import { type ManifestFile, sliceFileList } from "./deploy-paths.ts";
import { type DeployRow, readUploading } from "./deploy-rows.ts";
import { addProgram, requireMayProgram } from "./program-rows.ts";
import { type NewProgram, parseProgram, problemsOfProgram } from "./program.ts";

/** What every act of deploying asks for. */
export const MAY_DEPLOY: Need = { action: "deploy to", role: "developer", scope: "deploy" };

/** Lists of files of one account, one at a time: they share the only writer with everybody. */
const inTurn = createTurns(1, {
  max: 200,
  refuse: () => fail("rate_limited", { what: "parts of deploys at once", retryAfterSeconds: 5 }),
});
const ID_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** What a deploy is begun with: `source` tells by which door the files came. */
export type NewDeploy = Pick<DeployBody, "message" | "draft"> & {
  files: readonly ManifestFile[];
  source: DeployRow["source"];
  /** What whoever sent them may not expect; what is found when it is finished comes after. */
  warnings?: string[];
  program?: NewProgram;
};

/**
 * Begins a deploy: records what its files are to be, and answers which blobs the account must send. Nothing of it is to be
 * seen until it is finished; after `sweep.graceHours` it is forgotten.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, invalid_input, deploy_path_invalid, quota_exceeded,
 * program_invalid, cron_invalid; program_key for a deploy key that may bring no program
 */
export async function createDeploy(
  ctx: Ctx,
  actor: Actor | undefined,
  site: string,
  body: DeployBody,
): Promise<DeployStarted> {
  await requireSite(ctx, actor, site, MAY_DEPLOY);
  const { message, draft } = body;
  const program = body.program && parseProgram(ctx, body.program);
  const files = await runInSlices(sliceFileList(body.files));
  return beginDeploy(ctx, actor, site, {
    files,
    source: "api",
    ...(message !== undefined && { message }),
    ...(draft !== undefined && { draft }),
    ...(program && { program }),
  });
}

/** Begins a deploy of files that were checked already. It throws what `createDeploy` does, but for what is wrong with paths. */
export async function beginDeploy(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  { files: sent, source, warnings = [], message = "", draft = false, program }: NewDeploy,
): Promise<DeployStarted> {
  const by = requireActor(actor);
  const files = program ? [...sent, ...program.files] : sent;
  const write = async (tx: Tx): Promise<Begun> => {
    const { site, actor: maker } = await requireSite(ctx, actor, name, MAY_DEPLOY);
    const limits = deployLimits(ctx, site);
    checkFileSizes(files, limits);
    const byKey = program !== undefined && (await requireMayProgram(tx, maker, site, program));
    const row = {
      id: makeDeployId(ctx),
      siteId: site.id,
      state: "uploading" as const,
      draft,
      message: printableLines(message),
      source,
      warnings: program ? [...warnings, ...problemsOfProgram(ctx, program)] : warnings,
      createdAt: ctx.now(),
      createdBy: maker.userId,
      keyName: keyNameOf(maker),
      keyId: senderOf(maker).keyId,
    };
    await tx.insert(deploys).values(row);
    await addToManifest(tx, { ...row, fileCount: 0, sizeBytes: 0 }, files, limits);
    if (program) await addProgram(tx, row.id, program, byKey);
    await checkUnfinished(tx, site, limits);
    return { row, maker };
  };
  return inTurn(String(by.userId), async () => started(ctx, await ctx.db.transaction(write)));
}

/** A deploy that is being listed, and for whom. */
type Begun = { row: Parameters<typeof findMissing>[2]; maker: Actor };

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
  const { actor: by } = await requireSite(ctx, actor, name, MAY_DEPLOY);
  const files = await runInSlices(sliceFileList(part.files));
  const write = async (tx: Tx): Promise<Begun> => {
    const { site, actor: maker } = await requireSite(ctx, actor, name, MAY_DEPLOY);
    const row = await readUploading(tx, site, id, senderOf(maker));
    const limits = deployLimits(ctx, site);
    checkFileSizes(files, limits);
    await addToManifest(tx, row, files, limits);
    await checkUnfinished(tx, site, limits);
    return { row, maker };
  };
  return inTurn(String(by.userId), async () => started(ctx, await ctx.db.transaction(write)));
}

async function started(ctx: Ctx, { row, maker }: Begun): Promise<DeployStarted> {
  const missing = await findMissing(ctx, maker, row);
  return { id: row.id, missing: missing.map((digest) => digest.slice("sha256:".length)) };
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
