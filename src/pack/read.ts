import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { type ByteReader, createByteReader } from "./byte-reader.ts";
import { createEntryNames } from "./entry-names.ts";
import { gunzip, gunzipWhole, toldSize } from "./gzip.ts";
import type { ArchiveLimits } from "./limits.ts";
import { problemOfPath, ROOT } from "./paths.ts";
import { readEntry, type TarEntry } from "./tar-entries.ts";
import { BLOCK } from "./tar-header.ts";

/** A file of an archive. Setuid and other modes are dropped: a file is executable or it is not. */
export type ArchiveFile = {
  /** Relative to the package, without `package/`; safe on every file system. */
  path: string;
  sizeBytes: number;
  executable: boolean;
};

/**
 * The bytes of a file of an archive, in pieces that are good until its visitor returns. `whole`: all of them, where they are at
 * hand in one piece.
 */
export type ArchiveContent = AsyncIterable<Uint8Array> & { readonly whole: Uint8Array | undefined };

/** Is called with each file of an archive. One that has nothing to wait for gives nothing to wait for. */
export type ArchiveVisitor = (file: ArchiveFile, content: ArchiveContent) => Promise<void> | void;

/** What an archive held, once it was read to its end and found sound. */
export type ArchiveSummary = {
  /** In the order of the archive. */
  files: ArchiveFile[];
  packedBytes: number;
  /** The contents together, without headers. */
  unpackedBytes: number;
};

/**
 * Reads an archive as it arrives and hands each file to `visit`, in order. What `visit` leaves unread is skipped; its
 * `content` is good until it returns. Memory stays bounded whatever the archive says of itself.
 *
 * Files are handed over before the end was checked: keep them apart until this returns. Then every rule of
 * protocol.md, "Archive", holds but those on manifests.
 *
 * @throws archive_invalid, archive_too_large: both name the entry
 */
export async function walkArchive(
  source: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
  visit: ArchiveVisitor,
): Promise<ArchiveSummary> {
  let packedBytes = 0;
  const unpacked = countPacked(gunzip(source, limits), (bytes) => (packedBytes = bytes));
  try {
    const reader = createByteReader(unpacked);
    const { files, unpackedBytes } = await walkTar(reader, limits, visit);
    return { files, packedBytes, unpackedBytes };
  } finally {
    await unpacked.return(undefined);
  }
}

/** Up to here an archive is unpacked in memory as a whole. */
const WHOLE_BYTES = 32_000_000;

/** Whether `walkWhole` hands each file over in one piece that stays good; a larger archive it reads as `walkArchive` does. */
export function isReadWhole(packed: Uint8Array, limits: ArchiveLimits): boolean {
  const told = toldSize(packed);
  return (
    told <= WHOLE_BYTES && (told <= limits.ratioFromBytes || told <= packed.length * limits.ratio)
  );
}

/**
 * Does as `walkArchive` with an archive that is in memory. Where `isReadWhole` says so it is unpacked there at once, which
 * is much faster.
 *
 * @throws archive_invalid, archive_too_large: both name the entry
 */
export async function walkWhole(
  packed: Uint8Array,
  limits: ArchiveLimits,
  visit: ArchiveVisitor,
): Promise<ArchiveSummary> {
  if (!isReadWhole(packed, limits)) return walkArchive(inOnePiece(packed), limits, visit);
  const whole = [gunzipWhole(packed, limits)].values();
  const reader = createByteReader({ next: async () => whole.next() });
  return { ...(await walkTar(reader, limits, visit)), packedBytes: packed.length };
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* countPacked(
  chunks: AsyncGenerator<Uint8Array, number>,
  tell: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  tell(yield* chunks);
}

async function walkTar(
  reader: ByteReader,
  limits: ArchiveLimits,
  visit: ArchiveVisitor,
): Promise<Omit<ArchiveSummary, "packedBytes">> {
  const names = createEntryNames(limits);
  const files: ArchiveFile[] = [];
  let unpackedBytes = 0;
  for (let entry = await readEntry(reader); entry; entry = await readEntry(reader)) {
    const path = checkPath(entry, limits);
    const clash = names.add(`${ROOT}/${path}`, entry.kind);
    if (clash) throw refuse(clash.tooLarge ?? false, entry, clash.problem);
    unpackedBytes += entry.sizeBytes;
    if (unpackedBytes > limits.unpackedBytes)
      throw refuse(true, entry, `brings the contents to more than ${limits.unpackedBytes} bytes`);
    if (entry.kind === "folder") continue;
    const file = { path, sizeBytes: entry.sizeBytes, executable: entry.executable };
    files.push(file);
    const content = openContent(reader, entry);
    const visited = visit(file, content);
    if (visited) await visited;
    if (!content.skipNow()) await content.skip();
  }
  return { files, unpackedBytes };
}

/** The content of one entry, and the ways past what is left of it and its padding: at once where that is at hand. */
function openContent(
  reader: ByteReader,
  entry: TarEntry,
): ArchiveContent & { skipNow: () => boolean; skip: () => Promise<void> } {
  const whole = reader.now(entry.sizeBytes);
  const padding = (BLOCK - (entry.sizeBytes % BLOCK)) % BLOCK;
  let left = whole ? 0 : entry.sizeBytes;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    while (left > 0) {
      const piece = await reader.some(left);
      if (piece.length === 0) throw refuse(false, entry, "is truncated");
      left -= piece.length;
      yield piece;
    }
  }
  let iterator: AsyncGenerator<Uint8Array> | undefined;
  return {
    whole,
    [Symbol.asyncIterator]: () => (iterator ??= whole?.length ? inOnePiece(whole) : chunks()),
    skipNow: () => whole !== undefined && reader.now(padding) !== undefined,
    async skip() {
      for await (const _ of chunks());
      left = padding;
      for await (const _ of chunks());
    },
  };
}

/** The path within the package; "" for the folder of the package itself. */
function checkPath(entry: TarEntry, limits: ArchiveLimits): string {
  const { name, kind } = entry;
  const path = kind === "folder" && name.endsWith("/") ? name.slice(0, -1) : name;
  if (Buffer.byteLength(path) > limits.pathBytes)
    throw refuse(false, entry, `has a path of more than ${limits.pathBytes} bytes`);
  const problem = problemOfPath(path);
  if (problem !== undefined) throw refuse(false, entry, problem);
  if (path === ROOT && kind === "folder") return "";
  if (!path.startsWith(`${ROOT}/`)) throw refuse(false, entry, `lies outside ${ROOT}/`);
  return path.slice(ROOT.length + 1);
}

function refuse(tooLarge: boolean, entry: TarEntry, problem: string): LandError {
  return fail(tooLarge ? "archive_too_large" : "archive_invalid", {
    entry: printable(entry.name),
    problem,
  });
}
