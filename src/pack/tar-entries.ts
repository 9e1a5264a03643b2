import { brief } from "#base/brief.ts";
import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import type { ByteReader, NowReader } from "./byte-reader.ts";
import { isHarmlessGlobal, parsePax, type Pax } from "./pax.ts";
import { areZeros, BLOCK, nameOfType, parseHeader, type TarHeader } from "./tar-header.ts";

/** A file or folder as the tar names it, its path decoded but not judged. */
export type TarEntry = {
  name: string;
  kind: "file" | "folder";
  sizeBytes: number;
  executable: boolean;
};

/** A path has at most 512 bytes; what else stands in an extended header need not be large. */
const MAX_META_BYTES = 64 * 1024;
const MAX_PADDING_BYTES = 1024 * 1024;

/**
 * Reads headers up to the next file or folder; undefined at the end of the tar, after all that follows was seen to be
 * zeros. The caller reads the content before it asks again.
 *
 * Long names come as PAX `path` (npm, POSIX) or GNU `L`, never both. A PAX `size` must say what the header says: readers
 * that heed different ones see different files.
 *
 * @throws archive_invalid, archive_too_large
 * @see https://www.cve.org/CVERecord?id=CVE-2025-62518
 */
export async function readEntry(reader: ByteReader): Promise<TarEntry | undefined> {
  const steps = entrySteps(reader);
  let step = steps.next();
  while (!step.done) step = steps.next(await step.value);
  return step.value;
}

/** Does as `readEntry` with bytes that are all at hand. @throws archive_invalid, archive_too_large */
export function readEntryNow(reader: NowReader): TarEntry | undefined {
  const block = reader.now(BLOCK);
  const header = block && parseHeader(block);
  // Nearly all are so.
  if (header && !("problem" in header) && (header.type === "0" || header.type === "5"))
    return entryOf(header, undefined);
  const step = entrySteps(reader, block).next();
  if (step.done === true) return step.value;
  throw new TypeError("what is at hand had to be waited for");
}

/** What has to be waited for is handed out, and comes back. */
type Steps<T> = Generator<Promise<Uint8Array>, T, Uint8Array>;

/** `first`: the block that was read already. */
function* entrySteps(
  reader: ByteReader | NowReader,
  first?: Uint8Array,
): Steps<TarEntry | undefined> {
  let next = first;
  let pax: Pax | undefined;
  let longName: Uint8Array | undefined;
  for (;;) {
    const block: Uint8Array = next ?? reader.now(BLOCK) ?? (yield* readBlock(reader));
    next = undefined;
    const dangling = pax !== undefined || longName !== undefined;
    if (areZeros(block)) {
      if (dangling) throw refuse("", "an extended header stands before its end");
      yield* checkEnd(reader);
      return undefined;
    }
    const header = parseHeader(block);
    if ("problem" in header) throw refuse(rawName(block), header.problem);
    if (header.type === "x" || header.type === "L" || header.type === "g") {
      const name = rawName(header.name);
      if (dangling) throw refuse(name, "is an extended header after another one");
      const body = yield* readMeta(reader, header, name);
      if (header.type === "x") pax = soundPax(name, body);
      else if (header.type === "L") longName = withoutNul(name, body);
      else if (!isHarmlessGlobal(body))
        throw refuse(name, "is a global header that changes what follows");
    } else return entryOf(header, pax, longName);
  }
}

function entryOf(header: TarHeader, pax: Pax | undefined, longName?: Uint8Array): TarEntry {
  const bytes = pax?.path ?? longName ?? header.name;
  const refuseIt = (problem: string): LandError => refuse(rawName(bytes), problem);
  if (header.type !== "0" && header.type !== "5")
    throw refuseIt(`is ${nameOfType(header.type)}: only files and folders are taken`);
  if (pax?.sizeBytes !== undefined && pax.sizeBytes !== header.sizeBytes)
    throw refuseIt("has one size in its header and another in its extended header");
  const { sizeBytes, executable } = header;
  const kind = header.type === "5" ? "folder" : "file";
  if (kind === "folder" && sizeBytes > 0) throw refuseIt("is a folder with content");
  return { name: decode(bytes), kind, sizeBytes, executable };
}

function* readBlock(reader: ByteReader | NowReader): Steps<Uint8Array> {
  const block = yield* waitFor(reader.take(BLOCK));
  if (block.length < BLOCK) throw refuse("", "it is truncated: the tar has no end mark");
  return block;
}

/** One zero block was seen: another must follow, and nothing but zeros after it, as much as tapes were padded to. */
function* checkEnd(reader: ByteReader | NowReader): Steps<void> {
  let rest = 0;
  for (;;) {
    const piece = yield* waitFor(reader.some(MAX_META_BYTES));
    if (piece.length === 0) break;
    rest += piece.length;
    if (!areZeros(piece)) throw refuse("", "something follows the end of the tar");
    if (rest > MAX_PADDING_BYTES)
      throw fail("archive_too_large", { entry: "", problem: "it has too many zeros at its end" });
  }
  if (rest < BLOCK) throw refuse("", "it is truncated: the tar has half an end mark");
}

function* readMeta(
  reader: ByteReader | NowReader,
  header: TarHeader,
  name: string,
): Steps<Uint8Array> {
  const { sizeBytes } = header;
  if (sizeBytes > MAX_META_BYTES)
    throw fail("archive_too_large", {
      entry: name,
      problem: `is an extended header of ${sizeBytes} bytes`,
    });
  const padded = Math.ceil(sizeBytes / BLOCK) * BLOCK;
  const body = yield* waitFor(reader.take(padded));
  if (body.length < padded) throw refuse(name, "is truncated");
  return body.slice(0, sizeBytes);
}

function* waitFor(bytes: Uint8Array | Promise<Uint8Array>): Steps<Uint8Array> {
  return bytes instanceof Promise ? yield bytes : bytes;
}

function soundPax(name: string, body: Uint8Array): Pax {
  const pax = parsePax(body);
  if ("problem" in pax) throw refuse(name, pax.problem);
  return pax;
}

function withoutNul(name: string, body: Uint8Array): Uint8Array {
  const end = body.indexOf(0);
  const path = end === -1 ? body : body.subarray(0, end);
  if (path.length === 0 || (end !== -1 && end !== body.length - 1))
    throw refuse(name, "is a malformed long name");
  return path;
}

/** Strict UTF-8, or a text with U+FFFD that the path rules refuse. */
function decode(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** A name for a message, from whatever stands in the header. */
function rawName(bytes: Uint8Array): string {
  const end = bytes.subarray(0, BLOCK).indexOf(0);
  return printable(
    decode(bytes.length === BLOCK && end > 0 ? bytes.subarray(0, Math.min(end, 100)) : bytes),
  );
}

function refuse(entry: string, problem: string): LandError {
  return fail("archive_invalid", { entry, problem });
}

brief(readEntryNow, entryOf);
