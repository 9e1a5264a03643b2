import { isManifestFile, MAX_MANIFEST_BYTES, readArchiveManifest } from "./archive-manifest.ts";
import { createDigester, type Digester, type Digests } from "./digest.ts";
import type { ArchiveLimits } from "./limits.ts";
import type { PublishableManifest } from "./manifest.ts";
import { type ArchiveFile, walkArchive } from "./read.ts";
import { compareReaders, type SeenFile } from "./second-reader.ts";

/** All that a registry stores of an archive: a function of its bytes alone. */
export type Inspection = Digests & {
  manifest: PublishableManifest;
  /** The text is cut at 512 KB. */
  readme?: { path: string; text: string };
  /** In the order of the archive. */
  files: ArchiveFile[];
  /** The archive as sent. */
  sizeBytes: number;
  /** The contents together. */
  unpackedBytes: number;
};

const MAX_README_BYTES = 512 * 1024;

/**
 * Reads the archive at `path` once, checks every rule of protocol.md, "Archive", lets a second reader confirm what is
 * in it, and tells what it holds. Nothing is unpacked to disk.
 *
 * @throws archive_invalid, archive_too_large, manifest_invalid, manifest_missing
 */
export async function inspectArchive(path: string, limits: ArchiveLimits): Promise<Inspection> {
  const file = Bun.file(path);
  const digester = await createDigester();
  const seen: SeenFile[] = [];
  const texts = new Map<string, Uint8Array>();
  const summary = await walkArchive(
    digested(file.stream(), digester),
    { ...limits, sizeBytes: file.size },
    async ({ path: name, sizeBytes }, content) => {
      const hasher = new Bun.CryptoHasher("sha256");
      const keep = createKeeper(bytesToKeep(name));
      for await (const chunk of content) {
        hasher.update(chunk);
        keep.add(chunk);
      }
      if (bytesToKeep(name) > 0) texts.set(name, keep.bytes());
      seen.push({ path: name, sizeBytes, sha256: hasher.digest("hex") });
    },
  );
  await compareReaders(path, seen, limits);
  const readme = pickReadme(texts);
  return {
    ...digester.finish(),
    manifest: readArchiveManifest(texts),
    ...(readme && { readme }),
    files: summary.files,
    sizeBytes: summary.packedBytes,
    unpackedBytes: summary.unpackedBytes,
  };
}

async function* digested(
  source: AsyncIterable<Uint8Array>,
  digester: Digester,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    digester.update(chunk);
    yield chunk;
  }
}

function bytesToKeep(path: string): number {
  if (isManifestFile(path)) return MAX_MANIFEST_BYTES;
  return /^readme(?:\.[a-z]{1,10})?$/i.test(path) ? MAX_README_BYTES : 0;
}

/** Keeps the first `size` bytes of what passes. */
function createKeeper(size: number): { add: (chunk: Uint8Array) => void; bytes: () => Uint8Array } {
  const kept: Uint8Array[] = [];
  let left = size;
  return {
    add(chunk) {
      if (left === 0) return;
      kept.push(chunk.slice(0, left));
      left -= Math.min(left, chunk.length);
    },
    bytes: () => Buffer.concat(kept),
  };
}

/** README.md before others; else the first by name, so that the order of the archive does not matter. */
function pickReadme(texts: Map<string, Uint8Array>): Inspection["readme"] {
  const names = [...texts.keys()].filter((name) => /^readme/i.test(name)).toSorted();
  const path = names.find((name) => name.toLowerCase() === "readme.md") ?? names[0];
  const bytes = path === undefined ? undefined : texts.get(path);
  if (path === undefined || bytes === undefined) return undefined;
  // A character that the cut split is dropped: `stream` leaves it out.
  return { path, text: new TextDecoder().decode(bytes, { stream: true }) };
}
