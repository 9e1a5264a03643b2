import zlib from "node:zlib";

import { fail, type LandError } from "#base/errors.ts";

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
 * Unpacks a whole member at once, by the same rules and much faster, into as many bytes as its end tells. The caller looks
 * at `toldSize` before, since as much memory is taken.
 *
 * @throws archive_invalid, archive_too_large
 */
export function gunzipWhole(packed: Uint8Array, limits: ArchiveLimits): Uint8Array {
  checkPacked(packed.length, limits);
  const headerBytes = headerLength(packed);
  const told = toldSize(packed);
  if (headerBytes === 0 || packed.length < headerBytes + TRAILER_BYTES)
    throw invalid("it is truncated");
  checkUnpacked(told, packed.length, limits);
  const { bytes, consumed } = inflateWhole(packed.subarray(headerBytes), told);
  const rest = packed.length - headerBytes - consumed;
  if (rest > TRAILER_BYTES) throw invalid("something follows its gzip data");
  if (rest < TRAILER_BYTES) throw invalid("it is truncated");
  checkTrailer(packed.subarray(-TRAILER_BYTES), { crc: zlib.crc32(bytes), bytes: bytes.length });
  checkEnd(packed.length, bytes.length, limits);
  return bytes;
}

/** How many bytes a member says it holds, modulo 2 ** 32: its last four bytes. Nothing but a claim. */
export function toldSize(packed: Uint8Array): number {
  if (packed.length < TRAILER_BYTES) return 0;
  return new DataView(packed.buffer, packed.byteOffset, packed.length).getUint32(
    packed.length - 4,
    true,
  );
}

function inflateWhole(body: Uint8Array, told: number): { bytes: Uint8Array; consumed: number } {
  // One byte more than told, so that an output that fits ends in one round and a larger one is seen.
  const options = { info: true, maxOutputLength: told + 1, chunkSize: Math.max(64, told + 1) };
  try {
    const result: unknown = zlib.inflateRawSync(body, options);
    if (isInflated(result)) return { bytes: result.buffer, consumed: result.engine.bytesWritten };
    throw new TypeError("zlib gave no account of what it read");
  } catch (cause) {
    const code = errorCodeOf(cause);
    if (code === "ERR_BUFFER_TOO_LARGE") throw invalid("its gzip length is wrong");
    if (code === "Z_BUF_ERROR") throw invalid("it is truncated");
    if (code !== undefined) throw invalid("its compressed data is damaged");
    throw cause;
  }
}

/** What zlib answers with `info`, which its types leave out. */
function isInflated(
  value: unknown,
): value is { buffer: Uint8Array; engine: { bytesWritten: number } } {
  return typeof value === "object" && value !== null && "buffer" in value && "engine" in value;
}

function errorCodeOf(cause: unknown): unknown {
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
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
