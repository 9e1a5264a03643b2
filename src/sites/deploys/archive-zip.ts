import { crc32 } from "node:zlib";

import { type Entry, type LocalFileHeader, openPromise, type ZipFile } from "yauzl";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { refuseEntry } from "./archive-entries.ts";

/** A file or folder of a zip. */
export type ZipEntry = { name: string; kind: "file" | "folder"; sizeBytes: number };

type Found = ZipEntry & { entry: Entry };

const STORED = 0;
const DEFLATED = 8;
/** Encrypted, patched, strongly encrypted, hidden headers. */
const REFUSED_FLAGS = 0x0001 | 0x0020 | 0x0040 | 0x2000;
const HAS_DESCRIPTOR = 0x0008;
const DESCRIPTOR_MARK = 0x08074b50;
const UNICODE_PATH = 0x7075;
const ZIP64 = 0x0001;
const MAX_TEXT_BYTES = 4096;
const END_BYTES = 22;
const LOCAL_BYTES = 30;

/**
 * Reads a zip on disk: `accept` sees every entry before a byte is unpacked, then `visit` gets those that it wanted, in the order
 * of their bytes. Its directory decides; an entry whose own header, descriptor, size or checksum say anything else is refused,
 * as are two entries that share bytes, so that no two readers see different files.
 *
 * @throws archive_invalid naming the entry
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT sections 4.3 and 4.4
 */
export async function walkZip<T>(
  path: string,
  accept: (entry: ZipEntry) => T | undefined,
  visit: (wanted: T, content: AsyncIterable<Uint8Array>, entry: ZipEntry) => Promise<void>,
): Promise<void> {
  const zip = await sound("", openPromise(path, { autoClose: false, decodeStrings: false }));
  try {
    const found = await readDirectory(zip);
    const wanted = found.map((entry) => accept(entry));
    await checkPlaces(zip, path, found);
    for (const [at, one] of found.entries()) {
      const value = wanted[at];
      if (value !== undefined) await visit(value, unpack(zip, one), one);
    }
  } finally {
    zip.close();
  }
}

/** The entries in the order of their bytes. */
async function readDirectory(zip: ZipFile): Promise<Found[]> {
  const found: Found[] = [];
  const names = new Set<string>();
  const entries = zip.eachEntry();
  for (;;) {
    const next = await sound("", entries.next());
    if (next.done === true) break;
    const one = judge(next.value);
    if (names.has(one.name)) throw refuseEntry(one.name, "stands twice");
    names.add(one.name);
    found.push(one);
  }
  // The comment may be a text in the types, but is bytes where nothing is decoded.
  const end = zip.fileSize - END_BYTES - Buffer.from(zip.comment).length;
  if (Number(zip.readEntryCursor) !== end)
    throw refuse("something stands between its directory and its end, or it is a zip64");
  return found.toSorted(
    (a, b) => a.entry.relativeOffsetOfLocalHeader - b.entry.relativeOffsetOfLocalHeader,
  );
}

function judge(entry: Entry): Found {
  const name = nameOf(entry.fileNameRaw);
  const { compressedSize, uncompressedSize: sizeBytes, compressionMethod: method } = entry;
  if ((entry.generalPurposeBitFlag & REFUSED_FLAGS) !== 0) throw refuseEntry(name, "is encrypted");
  if (method !== STORED && method !== DEFLATED)
    throw refuseEntry(name, `is packed by the method ${method}: only deflate is taken`);
  for (const { id, data } of entry.extraFields) {
    if (id === ZIP64) throw refuseEntry(name, "is a zip64 entry");
    if (id === UNICODE_PATH && !data.subarray(5).equals(entry.fileNameRaw))
      throw refuseEntry(name, "has another name in an extra field");
  }
  if (entry.extraFieldRaw.length > MAX_TEXT_BYTES || entry.fileCommentRaw.length > MAX_TEXT_BYTES)
    throw refuseEntry(name, "has an extra field or a comment that is too long");
  const kind = name.endsWith("/") ? "folder" : "file";
  checkMode(name, kind, entry.externalFileAttributes >>> 16);
  if (kind === "folder" && sizeBytes > 0) throw refuseEntry(name, "is a folder with content");
  if (method === STORED && compressedSize !== sizeBytes)
    throw refuseEntry(name, "is stored, but has two sizes");
  return { name, kind, sizeBytes, entry };
}

/** Names are UTF-8, marked so or not: Finder marks none. */
function nameOf(raw: Buffer): string {
  if (raw.length > MAX_TEXT_BYTES) throw refuse("an entry has a name that is too long");
  // U+FFFD for what is not UTF-8 is refused by the rules of paths.
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(raw);
}

/** The file type of Unix, where the packer knew one. */
function checkMode(name: string, kind: "file" | "folder", mode: number): void {
  const type = mode & 0o170_000;
  if (type === 0) return;
  if (type === 0o120_000)
    throw refuseEntry(name, "is a symbolic link: only files and folders are taken");
  if (type === 0o100_000 && kind === "file") return;
  if (type === 0o040_000 && kind === "folder") return;
  throw refuseEntry(name, "is neither a file nor a folder by its mode");
}

/** Each entry has bytes of its own, and says at them what the directory says. */
async function checkPlaces(zip: ZipFile, path: string, found: readonly Found[]): Promise<void> {
  let free = 0;
  for (const { name, entry } of found) {
    const start = entry.relativeOffsetOfLocalHeader;
    if (start < free) throw refuseEntry(name, "shares bytes with another entry");
    const local = await sound(name, zip.readLocalFileHeaderPromise(entry));
    checkLocal(name, entry, local);
    const end = local.fileDataStart + entry.compressedSize;
    free = end + (await descriptorBytes(path, name, entry, end));
    if (local.fileDataStart !== start + LOCAL_BYTES + local.fileNameLength + local.extraFieldLength)
      throw refuseEntry(name, "has a malformed header");
  }
  const directory = zip.fileSize - END_BYTES - Buffer.from(zip.comment).length;
  if (free > directory) throw refuse("its entries reach into its directory");
}

function checkLocal(name: string, entry: Entry, local: LocalFileHeader): void {
  const differs = (what: string): LandError =>
    refuseEntry(name, `has another ${what} in its own header than in the directory`);
  if (!local.fileName.equals(entry.fileNameRaw)) throw differs("name");
  if (local.compressionMethod !== entry.compressionMethod) throw differs("method");
  if (local.generalPurposeBitFlag !== entry.generalPurposeBitFlag) throw differs("flag");
  const later = (entry.generalPurposeBitFlag & HAS_DESCRIPTOR) !== 0;
  const same = (one: number, other: number): boolean => one === other || (later && one === 0);
  if (!same(local.crc32, entry.crc32)) throw differs("checksum");
  if (!same(local.compressedSize, entry.compressedSize)) throw differs("packed size");
  if (!same(local.uncompressedSize, entry.uncompressedSize)) throw differs("size");
}

/** The length of the data descriptor, once it says what the directory says. Packers that write as they go need one. */
async function descriptorBytes(
  path: string,
  name: string,
  entry: Entry,
  at: number,
): Promise<number> {
  if ((entry.generalPurposeBitFlag & HAS_DESCRIPTOR) === 0) return 0;
  const bytes = Buffer.from(
    await Bun.file(path)
      .slice(at, at + 16)
      .arrayBuffer(),
  );
  const skip = bytes.length >= 4 && bytes.readUInt32LE(0) === DESCRIPTOR_MARK ? 4 : 0;
  const fits =
    bytes.length >= skip + 12 &&
    bytes.readUInt32LE(skip) === entry.crc32 &&
    bytes.readUInt32LE(skip + 4) === entry.compressedSize &&
    bytes.readUInt32LE(skip + 8) === entry.uncompressedSize;
  if (!fits)
    throw refuseEntry(name, "has a data descriptor that says something else than the directory");
  return skip + 12;
}

/** The content, its size and checksum seen to be those of the directory. */
async function* unpack(zip: ZipFile, { name, entry }: Found): AsyncGenerator<Uint8Array> {
  let [sizeBytes, sum] = [0, 0];
  try {
    for await (const piece of await zip.openReadStreamPromise(entry)) {
      if (!(piece instanceof Uint8Array)) throw new TypeError("a stream of bytes gave a text");
      sizeBytes += piece.length;
      if (sizeBytes > entry.uncompressedSize)
        throw refuseEntry(name, "is larger than the directory says");
      sum = crc32(piece, sum);
      yield piece;
    }
  } catch (cause) {
    throw damaged(name, cause);
  }
  if (sizeBytes !== entry.uncompressedSize)
    throw refuseEntry(name, "is smaller than the directory says");
  if (sum !== entry.crc32) throw refuseEntry(name, "has a wrong checksum");
}

/** Words what the library finds wrong. */
async function sound<T>(name: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    throw damaged(name, cause);
  }
}

function damaged(name: string, cause: unknown): LandError {
  if (cause instanceof LandError) return cause;
  const told = cause instanceof Error ? cause.message : String(cause);
  return fail(
    "archive_invalid",
    {
      entry: printable(name),
      problem: `${name === "" ? "it is no sound zip" : "is damaged"}: ${printable(told)}`,
    },
    { cause },
  );
}

function refuse(problem: string): LandError {
  return fail("archive_invalid", { entry: "", problem });
}
