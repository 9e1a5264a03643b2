import { eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import type { DeployId, Digest } from "#base/names.ts";
import { createTurns } from "#base/turns.ts";
import type { Ctx } from "#store/ctx.ts";

import type { DeployStarted } from "../model.ts";
import { requireSite } from "../rights.ts";
import { deployFiles } from "../tables.ts";
import { refuseEntry, walkTar } from "./archive-entries.ts";
import { MAY_DEPLOY } from "./deploy-create.ts";
import { findMissing } from "./deploy-missing.ts";
import { readDeployRow } from "./deploy-rows.ts";
import { openForUpload, parseHex } from "./upload-blob.ts";
import { readBody } from "./upload-body.ts";
import { type BlobSink, createBlobSink } from "./upload-store.ts";

/** Tars of one account read at the same time: each holds two batches in memory. */
const inTurn = createTurns(4);
/** Headers and padding of an entry, with an extended header. */
const FRAMING_BYTES = 4 * 1024;

/**
 * Takes many blobs of an unfinished deploy as one tar, each entry named by its digest (`<hex>` or `sha256/<hex>`). Where an entry
 * is refused, or the tar is cut, the blobs before it are kept.
 *
 * @throws archive_invalid naming the entry, payload_too_large, too_slow, bad_request; and as `putBlob`
 */
export async function takeBlobs(
  ctx: Ctx,
  actor: Actor | undefined,
  about: { site: string; deploy: string },
  request: Request,
): Promise<void> {
  const { deployId, userId, sender } = await openForUpload(ctx, actor, about.site, about.deploy);
  await inTurn(String(userId), async () => {
    const named = await readNamed(ctx, deployId);
    const sink = createBlobSink(ctx, sender);
    try {
      await takeAll(readBody(ctx, request, limitOf(named)), named, sink);
    } finally {
      await sink.finish();
    }
  });
}

/** Takes blobs as `takeBlobs` does, and answers what is missing still: that is looked for among all files of the deploy. */
export async function putBlobs(
  ctx: Ctx,
  actor: Actor | undefined,
  about: { site: string; deploy: string },
  request: Request,
): Promise<DeployStarted> {
  await takeBlobs(ctx, actor, about, request);
  const { site, actor: known } = await requireSite(ctx, actor, about.site, MAY_DEPLOY);
  const row = await readDeployRow(ctx.db.read, site, about.deploy);
  const missing = await findMissing(ctx, known, row);
  return { id: row.id, missing: missing.map((digest) => digest.slice("sha256:".length)) };
}

type Named = Map<Digest, number>;

async function takeAll(
  chunks: AsyncIterable<Uint8Array>,
  named: Named,
  sink: BlobSink,
): Promise<void> {
  await walkTar(chunks, async ({ name, kind, sizeBytes }, content) => {
    if (kind === "folder") {
      if (name.replace(/^\.\//, "").replace(/\/$/, "") === "sha256") return;
      throw refuseEntry(name, "is a folder");
    }
    const digest = parseHex(name.replace(/^(?:\.\/)?(?:sha256\/)?/, ""));
    const wanted = digest && named.get(digest);
    if (!digest || wanted === undefined)
      throw refuseEntry(name, "is no content of a file of the deploy, or came twice");
    if (sizeBytes !== wanted)
      throw refuseEntry(name, `has ${sizeBytes} bytes where the deploy says ${wanted}`);
    await sink.add(content, wanted, (blob) => {
      if (blob.digest !== digest) throw refuseEntry(name, "has another digest than its name says");
    });
    named.delete(digest);
  });
}

/** The blobs that a deploy names, with their sizes. */
async function readNamed({ db }: Ctx, deployId: DeployId): Promise<Named> {
  const rows = await db.read
    .selectDistinct({ digest: deployFiles.digest, sizeBytes: deployFiles.sizeBytes })
    .from(deployFiles)
    .where(eq(deployFiles.deployId, deployId));
  return new Map(rows.map(({ digest, sizeBytes }) => [digest, sizeBytes]));
}

function limitOf(named: Named): number {
  let bytes = 1024 * 1024 + named.size * FRAMING_BYTES;
  for (const size of named.values()) bytes += size;
  return bytes;
}
