import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail, LandError } from "#base/errors.ts";
import { type DeployId, type Digest, parseDigest, printable } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { requireSite, type Sender, senderOf } from "../rights.ts";
import { deployFiles } from "../tables.ts";
import { MAY_DEPLOY } from "./deploy-create.ts";
import { readUploading } from "./deploy-rows.ts";
import { readBody } from "./upload-body.ts";
import { recordUploads } from "./upload-record.ts";
import { takeUploadRoom } from "./upload-room.ts";

/** The deploy that blobs are sent for, once the account may send them. */
export type Receiving = { deployId: DeployId; userId: number; sender: Sender };

/**
 * Opens an unfinished deploy for blobs, before a byte of them is read.
 *
 * @throws unauthenticated, scope_missing, site_not_found, site_role, deploy_not_found, deploy_finished, forbidden
 */
export async function openForUpload(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  id: string,
): Promise<Receiving> {
  const { site, actor: sender } = await requireSite(ctx, actor, name, MAY_DEPLOY);
  const by = senderOf(sender);
  const row = await readUploading(ctx.db.read, site, id, by);
  return { deployId: row.id, userId: by.userId, sender: by };
}

/**
 * Takes one blob of an unfinished deploy as it arrives. Again is no error: the bytes get a new time.
 *
 * @throws quota_exceeded; blob_refused where the deploy names no such blob, or the bytes are others; too_slow, bad_request for a body cut short;
 * and as `openForUpload`
 */
export async function putBlob(
  ctx: Ctx,
  actor: Actor | undefined,
  about: { site: string; deploy: string; hex: string },
  request: Request,
): Promise<void> {
  const { deployId, userId, sender } = await openForUpload(ctx, actor, about.site, about.deploy);
  const digest = parseHex(about.hex);
  const named = digest && (await sizeNamed(ctx, deployId, digest));
  if (!digest || named === undefined)
    throw refuse(about.hex, "no file of the deploy has this content");
  await takeUploadRoom(ctx, userId, named);
  const staged = await ctx.blobs.stage(readBody(ctx, request, named), named).catch((cause) => {
    if (!(cause instanceof LandError) || cause.code !== "payload_too_large") throw cause;
    throw refuse(about.hex, `it has more than the ${named} bytes that the deploy says`);
  });
  try {
    if (staged.sizeBytes !== named)
      throw refuse(about.hex, `it has ${staged.sizeBytes} bytes where the deploy says ${named}`);
    if (staged.digest !== digest) throw refuse(about.hex, "the bytes sent have another digest");
    await staged.commit();
  } finally {
    await staged.discard();
  }
  await recordUploads(ctx, sender, [{ digest, sizeBytes: named }]);
}

/** The size that a deploy says of a blob, or undefined where it names no such blob. */
async function sizeNamed(
  { db }: Ctx,
  deployId: DeployId,
  digest: Digest,
): Promise<number | undefined> {
  const [row] = await db.read
    .select({ sizeBytes: deployFiles.sizeBytes })
    .from(deployFiles)
    .where(and(eq(deployFiles.deployId, deployId), eq(deployFiles.digest, digest)))
    .limit(1);
  return row?.sizeBytes;
}

/** The digest of 64 lower case hex digits, or undefined. */
export function parseHex(hex: string): Digest | undefined {
  return /^[0-9a-f]{64}$/.test(hex) ? parseDigest(`sha256:${hex}`) : undefined;
}

function refuse(hex: string, problem: string): LandError {
  return fail("blob_refused", { digest: printable(hex), problem });
}
