import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { createTurns } from "#base/turns.ts";
import { readForm } from "#http/multipart.ts";
import { readJson } from "#pack/json.ts";
import type { Staged } from "#store/blobs.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Publication } from "./publish.ts";

const MANIFEST_BYTES = 1_000_000;
const SIGNATURE_BYTES = 4096;
/** Boundaries and headers of the parts. */
const FRAMING_BYTES = 64 * 1024;
/** Uploads of one account read at the same time: each takes some MB, and a slow one holds up nobody else's. */
const inTurn = createTurns(8);

/**
 * Reads the form of a publish when its turn comes, its archive straight to disk. The caller owns what is staged; where this throws, nothing is.
 *
 * @throws unsupported_media_type, payload_too_large, too_slow, bad_request, invalid_input naming the part
 */
export async function readUpload(ctx: Ctx, actor: Actor, request: Request): Promise<Publication> {
  const packedBytes = ctx.config["limits.packedBytes"];
  const { texts, file: staged } = await inTurn(String(actor.userId), () =>
    readForm<Staged>(request, {
      texts: { manifest: MANIFEST_BYTES, signature: SIGNATURE_BYTES },
      file: "tarball",
      limitBytes: packedBytes + MANIFEST_BYTES + SIGNATURE_BYTES + FRAMING_BYTES,
      pace: { bytesPerSecond: ctx.config["limits.uploadBytesPerSecond"], now: ctx.now },
      takeFile: (content) => ctx.blobs.stage(content, packedBytes),
      dropFile: (taken) => taken.discard(),
    }),
  );
  if (!staged) throw missing("tarball");
  try {
    if (texts["manifest"] === undefined) throw missing("manifest");
    const signature = texts["signature"];
    return {
      manifest: parseJson("manifest", texts["manifest"]),
      signature: signature === undefined ? undefined : parseJson("signature", signature),
      staged,
    };
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

function missing(field: string): Error {
  return fail("invalid_input", { field, problem: "the part is missing" });
}

function parseJson(field: string, text: string): unknown {
  const read = readJson(text);
  if ("problem" in read)
    throw fail("invalid_input", { field, problem: `the part ${read.problem}` });
  return read.value;
}
