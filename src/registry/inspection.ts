import { inspectArchive, type Inspection } from "#pack/inspect.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import type { Staged } from "#store/blobs.ts";
import type { Ctx } from "#store/ctx.ts";

/** Archives read at the same time. More would not be faster, and each takes memory. */
const AT_ONCE = 4;
let running = 0;
const waiting: (() => void)[] = [];

/** Reads an uploaded archive under this server's limits, when its turn comes. @throws archive_invalid, archive_too_large, manifest_invalid */
export async function inspectStaged(ctx: Ctx, staged: Staged): Promise<Inspection> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    const { config } = ctx;
    return await inspectArchive(staged.path, {
      ...DEFAULT_LIMITS,
      packedBytes: config["limits.packedBytes"],
      unpackedBytes: config["limits.unpackedBytes"],
      entries: config["limits.entries"],
    });
  } finally {
    // The turn passes on directly, so nobody can step in between.
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
