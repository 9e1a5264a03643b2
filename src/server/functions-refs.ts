import type { DeployId } from "#base/names.ts";
import type { ProgramCode } from "#runtime/process/parts.ts";
import { type ProgramRef, refOf } from "#runtime/tenant.ts";
import { liveProgramOf, programOfDeploy } from "#sites/serving/load-program.ts";
import type { LoadedProgram } from "#sites/serving/program.ts";
import type { Ctx } from "#store/ctx.ts";

const DAY_MS = 86_400_000;

/** Drafts that were made before have no program any more. */
export function draftsSince({ config, now }: Ctx): Date {
  return new Date(now().getTime() - config["functions.draftDays"] * DAY_MS);
}

/** Whether a program may run: that of the live deploy, and those of young drafts, unless a key brought them that may not any more. */
export function mayRun(
  ctx: Ctx,
  { isLive, isDraft, isBarred, createdAtMs }: LoadedProgram,
): boolean {
  return isLive || (isDraft && !isBarred && createdAtMs >= draftsSince(ctx).getTime());
}

/** The program of the live deploy, or of one that is named, as far as it may run. */
export async function findRef(
  ctx: Ctx,
  siteId: number,
  deploy: DeployId | undefined,
): Promise<ProgramRef | undefined> {
  const found =
    deploy === undefined
      ? await liveProgramOf(ctx, siteId)
      : await programOfDeploy(ctx, siteId, deploy);
  return found && mayRun(ctx, found.program)
    ? refOf(found.siteId, found.site, found.program)
    : undefined;
}

/** The bytes of a program and of its source map. */
export async function readCode(
  { blobs }: Ctx,
  { digest, mapDigest }: ProgramRef,
): Promise<ProgramCode> {
  const read = async (of: ProgramRef["digest"]): Promise<Uint8Array> => {
    const blob = await blobs.find(of);
    if (!blob) throw new Error(`the bytes of ${of} are not on disk`);
    return blob.bytes();
  };
  return { code: await read(digest), map: mapDigest && (await read(mapDigest)) };
}
