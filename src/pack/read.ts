import { brief } from "#base/brief.ts";
import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { type ByteReader, createByteReader, createNowReader } from "./byte-reader.ts";
import { createEntryNames } from "./entry-names.ts";
import { gunzip, gunzipWhole, toldSize } from "./gzip.ts";
import type { ArchiveLimits } from "./limits.ts";
import { problemOfPath, ROOT } from "./paths.ts";
import { readEntry, readEntryNow, type TarEntry } from "./tar-entries.ts";
import { BLOCK } from "./tar-header.ts";

/** A file of an archive. Setuid and other modes are dropped: a file is executable or it is not. */
export type ArchiveFile = {
  /** Relative to the package, without `package/`; safe on every file system. */
  path: string;
  sizeBytes: number;
  executable: boolean;
};

/** The bytes of a file of an archive, in pieces that are good until its visitor returns. */
export type ArchiveContent = AsyncIterable<Uint8Array>;

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

/** Whether `walkWhole` takes an archive: by what it tells of its size. */
function isReadWhole(packed: Uint8Array, limits: ArchiveLimits): boolean {
  const told = toldSize(packed);
  return (
    told <= WHOLE_BYTES && (told <= limits.ratioFromBytes || told <= packed.length * limits.ratio)
  );
}

/** What is made of an archive that is read at once. */
export type WholeVisitor<T> = {
  /** Is called with each file and its content. */
  visit: (file: ArchiveFile, bytes: Uint8Array) => void;
  /** Is called at the end, when every rule was found to hold. Until it returns, the contents are good. */
  end: (summary: ArchiveSummary) => T;
};

/**
 * Does as `walkArchive` with an archive that is in memory, in one go and much faster, and gives what its visitor made of it. Undefined
 * where it is too large to be unpacked in memory.
 *
 * @throws archive_invalid, archive_too_large: both name the entry
 */
export function walkWhole<T>(
  packed: Uint8Array,
  limits: ArchiveLimits,
  { visit, end }: WholeVisitor<T>,
): { made: T } | undefined {
  if (!isReadWhole(packed, limits)) return undefined;
  const made = gunzipWhole(packed, limits, (unpacked) => {
    const reader = createNowReader(unpacked);
    const rules = createRules(limits);
    for (let entry = readEntryNow(reader); entry; entry = readEntryNow(reader)) {
      const file = rules.accept(entry);
      if (!file) continue;
      const bytes = reader.now(file.sizeBytes);
      if (!bytes || !reader.skip(paddingOf(entry))) throw refuse(false, entry, "is truncated");
      visit(file, bytes);
    }
    return end({ ...rules.summary(), packedBytes: packed.length });
  });
  return { made };
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
  const rules = createRules(limits);
  for (let entry = await readEntry(reader); entry; entry = await readEntry(reader)) {
    const file = rules.accept(entry);
    if (!file) continue;
    const content = openContent(reader, entry);
    const visited = visit(file, content);
    if (visited) await visited;
    if (!content.skipNow()) await content.skip();
  }
  return rules.summary();
}

/** What holds for the entries of one archive together. */
function createRules(limits: ArchiveLimits): {
  /** The file that an entry is; undefined for a folder. @throws archive_invalid, archive_too_large */
  accept: (entry: TarEntry) => ArchiveFile | undefined;
  summary: () => Omit<ArchiveSummary, "packedBytes">;
} {
  const names = createEntryNames(limits);
  const files: ArchiveFile[] = [];
  let unpackedBytes = 0;
  const rules: ReturnType<typeof createRules> = {
    accept(entry) {
      const path = checkPath(entry, limits);
      const clash = names.add(`${ROOT}/${path}`, entry.kind);
      if (clash) throw refuse(clash.tooLarge ?? false, entry, clash.problem);
      unpackedBytes += entry.sizeBytes;
      if (unpackedBytes > limits.unpackedBytes)
        throw refuse(true, entry, `brings the contents to more than ${limits.unpackedBytes} bytes`);
      if (entry.kind === "folder") return undefined;
      const file = { path, sizeBytes: entry.sizeBytes, executable: entry.executable };
      files.push(file);
      return file;
    },
    summary: () => ({ files, unpackedBytes }),
  };
  brief(rules.accept);
  return rules;
}

/** The content of one entry, and the ways past what is left of it and its padding: at once where that is at hand. */
function openContent(
  reader: ByteReader,
  entry: TarEntry,
): ArchiveContent & { skipNow: () => boolean; skip: () => Promise<void> } {
  const whole = reader.now(entry.sizeBytes);
  const padding = paddingOf(entry);
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
    [Symbol.asyncIterator]: () => (iterator ??= whole?.length ? inOnePiece(whole) : chunks()),
    skipNow: () => whole !== undefined && reader.now(padding) !== undefined,
    async skip() {
      for await (const _ of chunks());
      left = padding;
      for await (const _ of chunks());
    },
  };
}

function paddingOf({ sizeBytes }: TarEntry): number {
  return (BLOCK - (sizeBytes % BLOCK)) % BLOCK;
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

brief(checkPath, paddingOf);
