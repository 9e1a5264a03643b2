import { fail } from "#base/errors.ts";
import { gunzip } from "#pack/gzip.ts";
import type { ArchiveLimits } from "#pack/limits.ts";
import type { Staged } from "#store/blobs.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Sender } from "../rights.ts";
import { walkTar } from "./archive-entries.ts";
import { createEntryCheck, toManifest } from "./archive-paths.ts";
import { type ArchiveContent, settleArchive } from "./archive-program.ts";
import { walkZip } from "./archive-zip.ts";
import type { DeployLimits } from "./deploy-limits.ts";
import type { ManifestFile } from "./deploy-paths.ts";
import { createBlobSink } from "./upload-store.ts";

/** Unpacked to packed, judged once more than `RATIO_FROM_BYTES` would come out. */
const RATIO = 200;
const RATIO_FROM_BYTES = 10_000_000;

/**
 * Unpacks a staged zip or tar.gz, told apart by its bytes, into blobs that count as sent by the account, and answers its files
 * and its program. Nothing is ever unpacked to a path. Where it throws, at most blobs that nothing names are left to the sweep.
 *
 * @throws archive_invalid, archive_too_large, deploy_path_invalid, each naming the entry; invalid_input for other bytes; and as
 * `settleArchive`
 */
export async function storeArchive(
  ctx: Ctx,
  sender: Sender,
  staged: Pick<Staged, "path" | "sizeBytes">,
  limits: DeployLimits,
): Promise<ArchiveContent> {
  const { path, sizeBytes: packedBytes } = staged;
  const files: ManifestFile[] = [];
  const sink = createBlobSink(ctx, sender);
  const { accept } = createEntryCheck(limits);
  const keep = async (
    to: string,
    content: AsyncIterable<Uint8Array>,
    sizeBytes: number,
  ): Promise<void> => {
    const { digest } = await sink.add(content, sizeBytes);
    files.push({ path: to, digest, sizeBytes });
  };
  try {
    const kind = await kindOf(path);
    if (kind === "zip") await readZip(path, packedBytes, accept, keep);
    else
      await walkTar(
        gunzip(Bun.file(path).stream(), gzipLimits(limits, packedBytes)),
        (entry, content) => {
          const to = accept(entry);
          return to === undefined ? Promise.resolve() : keep(to, content, entry.sizeBytes);
        },
      );
    const manifest = await toManifest(files);
    await sink.finish();
    return await settleArchive(ctx, manifest);
  } catch (error) {
    await sink.abandon();
    throw error;
  }
}

type Accept = ReturnType<typeof createEntryCheck>["accept"];

function readZip(
  path: string,
  packedBytes: number,
  accept: Accept,
  keep: (to: string, content: AsyncIterable<Uint8Array>, sizeBytes: number) => Promise<void>,
): Promise<void> {
  let unpackedBytes = 0;
  return walkZip(
    path,
    (entry) => {
      unpackedBytes += entry.sizeBytes;
      if (unpackedBytes > RATIO_FROM_BYTES && unpackedBytes > packedBytes * RATIO)
        throw fail("archive_too_large", {
          entry: "",
          problem: `it unpacks to more than ${RATIO} times its size`,
        });
      return accept(entry);
    },
    (to, content, { sizeBytes }) => keep(to, content, sizeBytes),
  );
}

async function kindOf(path: string): Promise<"zip" | "tar.gz"> {
  const [a, b, c, d] = await Bun.file(path).slice(0, 4).bytes();
  if (a === 0x1f && b === 0x8b) return "tar.gz";
  // A local header, or the end of an empty directory.
  if (a === 0x50 && b === 0x4b && ((c === 3 && d === 4) || (c === 5 && d === 6))) return "zip";
  throw fail("invalid_input", { field: "file", problem: "it is neither a zip nor a tar.gz" });
}

function gzipLimits(limits: DeployLimits, sizeBytes: number): ArchiveLimits {
  return {
    packedBytes: sizeBytes,
    sizeBytes,
    unpackedBytes: limits.deployBytes,
    entries: limits.files * 2,
    pathBytes: 512,
    ratio: RATIO,
    ratioFromBytes: RATIO_FROM_BYTES,
  };
}
