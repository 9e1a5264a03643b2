import type { Actor } from "#accounts/actor.ts";
import { mayRead } from "#accounts/guard.ts";
import type { Digest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { referencedDigests } from "./references.ts";

/** Which of these blobs are archives that the caller may download. At most some hundred at a time. */
export async function findReadableArchives(
  ctx: Ctx,
  actor: Actor | undefined,
  digests: readonly Digest[],
): Promise<ReadonlySet<Digest>> {
  return mayRead(ctx, actor) ? referencedDigests(ctx.db.read, digests) : new Set();
}
