import { createTurns } from "#base/turns.ts";
import { inspectArchive, type Inspection } from "#pack/inspect.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import type { Staged } from "#store/blobs.ts";
import type { Ctx } from "#store/ctx.ts";

/** Archives that the whole process reads at the same time. More would not be faster, and each takes memory. */
const inTurn = createTurns(4);

/** Reads an uploaded archive under this server's limits, when its turn comes. @throws archive_invalid, archive_too_large, manifest_invalid */
export function inspectStaged({ config }: Ctx, staged: Staged): Promise<Inspection> {
  return inTurn("", () =>
    inspectArchive(staged.path, {
      ...DEFAULT_LIMITS,
      packedBytes: config["limits.packedBytes"],
      unpackedBytes: config["limits.unpackedBytes"],
      entries: config["limits.entries"],
    }),
  );
}
