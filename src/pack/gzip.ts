import zlib from "node:zlib";

import { fail, type LandError } from "#base/errors.ts";
import { letGo } from "#base/let-go.ts";

import { inflateInto } from "./inflate-whole.ts";
import type { ArchiveLimits } from "./limits.ts";

const TRAILER_BYTES = 8;
/** Deflate reaches 1,032:1, so one piece gives 17 MB at most before the limits are asked again. */
const PIECE_BYTES = 16 * 1024;
const CHUNK_BYTES = 128 * 1024;

/**
 * Unpacks one gzip member as it arrives: a right CRC and length, and nothing after it. Returns the packed size.
 *
 * The readers at hand all take more (further members, junk, a wrong CRC), each something else, and two readers that
 * see different files are a way to smuggle one past the other.
 *
 * @throws archive_invalid, archive_too_large
 * @see https://www.rfc-editor.org/rfc/rfc1952
 */
export async function* gunzip(
  source: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
): AsyncGenerator<Uint8Array, number> {
  const inflate = createInflate();
  const out = { crc: 0, bytes: 0 };
  let head: Uint8Array | undefined = new Uint8Array(0);
  let headerBytes = 0;
  let total = 0;
  let tail = new Uint8Array(0);
  try {
    for await (const chunk of source) {
      total += chunk.length;
      checkPacked(total, limits);
      tail = join(tail, chunk.subarray(-TRAILER_BYTES)).slice(-TRAILER_BYTES);
      head = head && join(head, chunk);
      headerBytes ||= head ? headerLength(head) : 0;
      if (headerBytes === 0) continue;
      const body = head?.subarray(headerBytes) ?? chunk;
      head = undefined;
      for (let at = 0; at < body.length && !inflate.ended(); at += PIECE_BYTES)
        for (const unpacked of await inflate.write(body.subarray(at, at + PIECE_BYTES))) {
          out.bytes += unpacked.length;
          out.crc = zlib.crc32(unpacked, out.crc);
          checkUnpacked(out.bytes, limits.sizeBytes, limits);
          yield unpacked;
        }
      if (total - headerBytes - inflate.consumed() > TRAILER_BYTES && inflate.ended())
        throw invalid("something follows its gzip data");
    }
    if (head || total - headerBytes - inflate.consumed() !== TRAILER_BYTES)
      throw invalid("it is truncated");
    checkTrailer(tail, out);
    checkEnd(total, out.bytes, limits);
    return total;
  } finally {
    inflate.close();
  }
}

/**
 * Unpacks a whole member at once, by the same rules and much faster, into as many bytes as its end tells, and gives what `use` makes
 * of them: they are good until it returns. The caller looks at `toldSize` before, since as much memory is taken.
 *
 * @throws archive_invalid, archive_too_large, and what `use` throws
 */
export function gunzipWhole<T>(
  packed: Uint8Array,
  limits: ArchiveLimits,
  use: (unpacked: Uint8Array) => T,
): T {
  checkPacked(packed.length, limits);
  const headerBytes = headerLength(packed);
  const told = toldSize(packed);
  if (headerBytes === 0 || packed.length < headerBytes + TRAILER_BYTES)
    throw invalid("it is truncated");
  checkUnpacked(told, packed.length, limits);
  // One byte more than told, so that a larger output is seen.
  return inRoom(told + 1, (room) => {
    const inflated = inflateInto(packed, headerBytes, room);
    if (!inflated) throw invalid("its compressed data is damaged");
    const { bytes, consumed } = inflated;
    if (bytes > told) throw invalid("its gzip length is wrong");
    const rest = packed.length - headerBytes - consumed;
    if (rest > TRAILER_BYTES) throw invalid("something follows its gzip data");
    if (rest < TRAILER_BYTES) throw invalid("it is truncated");
    const unpacked = room.subarray(0, bytes);
    checkTrailer(packed.subarray(-TRAILER_BYTES), { crc: zlib.crc32(unpacked), bytes });
    checkEnd(packed.length, bytes, limits);
    return use(unpacked);
  });
}

/** The memory that small archives are unpacked into, one after the other, and its size at first and at most, in bytes. */
let kept = new Uint8Array(0);
let isInUse = false;
const FIRST_BYTES = 2 ** 20;
const KEPT_BYTES = 2 ** 22;

/** Lends memory of that size to `use`: what it was before is still in it. */
function inRoom<T>(bytes: number, use: (room: Uint8Array) => T): T {
  if (isInUse || bytes > KEPT_BYTES) {
    const room = new Uint8Array(bytes);
    try {
      return use(room);
    } finally {
      letGo(room);
    }
  }
  if (kept.length < bytes) {
    letGo(kept);
    kept = new Uint8Array(2 ** Math.ceil(Math.log2(Math.max(bytes, FIRST_BYTES))));
  }
  isInUse = true;
  try {
    return use(kept.subarray(0, bytes));
  } finally {
    isInUse = false;
  }
}

/** How many bytes a member says it holds, modulo 2 ** 32: its last four bytes. Nothing but a claim. */
export function toldSize(packed: Uint8Array): number {
  if (packed.length < TRAILER_BYTES) return 0;
  return new DataView(packed.buffer, packed.byteOffset, packed.length).getUint32(
    packed.length - 4,
    true,
  );
}

type Inflate = {
  /** Takes packed bytes, gives what came out. After the end of the data further bytes are left alone. */
  write: (piece: Uint8Array) => Promise<Uint8Array[]>;
  /** How many bytes belonged to the data. */
  consumed: () => number;
  ended: () => boolean;
  close: () => void;
};

function createInflate(): Inflate {
  const stream = zlib.createInflateRaw({ chunkSize: CHUNK_BYTES });
  let out: Uint8Array[] = [];
  let fed = 0;
  let settle: (() => void) | undefined;
  let broken = false;
  stream.on("data", (chunk: Uint8Array) => out.push(chunk));
  stream.on("end", () => settle?.());
  stream.on("error", () => {
    broken = true;
    settle?.();
  });
  return {
    async write(piece) {
      const { promise, resolve } = Promise.withResolvers<void>();
      settle = resolve;
      fed += piece.length;
      stream.write(piece, () => resolve());
      await promise;
      if (broken) throw invalid("its compressed data is damaged");
      const chunks = out;
      out = [];
      return chunks;
    },
    consumed: () => stream.bytesWritten,
    ended: () => stream.bytesWritten < fed,
    close: () => stream.destroy(),
  };
}

/** The length of the member's header, 0 while more bytes are needed. */
function headerLength(bytes: Uint8Array): number {
  const [magic1 = 0x1f, magic2 = 0x8b, method = 8, flags = 0] = bytes;
  if (magic1 !== 0x1f || magic2 !== 0x8b || method !== 8) throw invalid("it is not gzip");
  // No packer sets name, comment, extra field or header checksum on a stream, but gzip(1) writes the file's name.
  const name = 8;
  if ((flags & ~name) !== 0) throw invalid("its gzip header has fields that land does not take");
  if (bytes.length < 10) return 0;
  if (flags === 0) return 10;
  const end = bytes.indexOf(0, 10);
  if (end > 0) return end + 1;
  if (bytes.length > 1024) throw invalid("its gzip header is too long");
  return 0;
}

function checkPacked(total: number, limits: ArchiveLimits): void {
  if (total > limits.packedBytes)
    throw tooLarge(`it has more than ${limits.packedBytes} bytes packed`);
  if (limits.sizeBytes !== undefined && total > limits.sizeBytes)
    throw invalid(`it has more than the ${limits.sizeBytes} bytes announced`);
}

/** Headers and padding come on top of the contents, at most three blocks of 512 bytes and one of 64 KB a file. */
function checkUnpacked(bytes: number, packed: number | undefined, limits: ArchiveLimits): void {
  if (bytes > limits.unpackedBytes + limits.entries * 2048)
    throw tooLarge(`it has more than ${limits.unpackedBytes} bytes unpacked`);
  if (packed !== undefined && bytes > limits.ratioFromBytes && bytes > packed * limits.ratio)
    throw tooLarge(`it unpacks to more than ${limits.ratio} times its size`);
}

function checkTrailer(tail: Uint8Array, out: { crc: number; bytes: number }): void {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  if (view.getUint32(0, true) !== out.crc) throw invalid("its gzip checksum is wrong");
  if (view.getUint32(4, true) !== out.bytes % 2 ** 32) throw invalid("its gzip length is wrong");
}

function checkEnd(packed: number, bytes: number, limits: ArchiveLimits): void {
  checkUnpacked(bytes, packed, limits);
  if (limits.sizeBytes !== undefined && packed !== limits.sizeBytes)
    throw invalid(`it has ${packed} bytes where ${limits.sizeBytes} were announced`);
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function invalid(problem: string): LandError {
  return fail("archive_invalid", { entry: "", problem });
}

function tooLarge(problem: string): LandError {
  return fail("archive_too_large", { entry: "", problem });
}
