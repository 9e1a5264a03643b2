/** The bytes from `first` to `last`, both included. */
export type ByteRange = { first: number; last: number };

/** What a `Range` header asks for: all of it, nothing that is there, or some parts in the order they were asked for. */
export type Cut = "whole" | "none" | readonly ByteRange[];

/** More parts than any reader of media or documents asks for at once. */
const MAX_RANGES = 50;
const SPEC = /^(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/;

/**
 * Reads a `Range` header for a file of `sizeBytes`. What breaks the grammar, another unit, too many parts, and parts that
 * overlap mean the whole file.
 *
 * @see RFC 9110 sections 14.1.2 and 14.2
 */
export function parseRanges(header: string | null, sizeBytes: number): Cut {
  const set = /^bytes=(.*)$/i.exec(header ?? "")?.[1];
  if (set === undefined || set.length > 2000) return "whole";
  const specs = set
    .split(",")
    .map((spec) => spec.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((spec) => spec !== "");
  if (specs.length === 0 || specs.length > MAX_RANGES) return "whole";
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = parseRange(spec, sizeBytes);
    if (range === "malformed") return "whole";
    if (range) ranges.push(range);
  }
  if (ranges.length === 0) return "none";
  return overlap(ranges) ? "whole" : ranges;
}

function parseRange(spec: string, sizeBytes: number): ByteRange | "malformed" | undefined {
  const [, from, to, suffix] = SPEC.exec(spec) ?? [];
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), sizeBytes);
    return length === 0 ? undefined : { first: sizeBytes - length, last: sizeBytes - 1 };
  }
  if (from === undefined) return "malformed";
  const first = Number(from);
  const last = to === undefined || to === "" ? sizeBytes - 1 : Number(to);
  if (to !== undefined && to !== "" && last < first) return "malformed";
  return first >= sizeBytes ? undefined : { first, last: Math.min(last, sizeBytes - 1) };
}

function overlap(ranges: readonly ByteRange[]): boolean {
  const sorted = ranges.toSorted((a, b) => a.first - b.first);
  return sorted.some(({ first }, at) => at > 0 && first <= (sorted[at - 1]?.last ?? -1));
}

/** Bytes of a range. */
export function lengthOf({ first, last }: ByteRange): number {
  return last - first + 1;
}

/**
 * A body of several parts, as pieces of text and ranges in order, and its exact length.
 *
 * @see RFC 9110 section 14.6
 */
export function multipartOf(
  ranges: readonly ByteRange[],
  about: { boundary: string; type: string; sizeBytes: number },
): { pieces: (string | ByteRange)[]; sizeBytes: number } {
  const { boundary, type } = about;
  const pieces = ranges.flatMap((range, at) => [
    `${at === 0 ? "" : "\r\n"}--${boundary}\r\ncontent-type: ${type}\r\ncontent-range: bytes ${range.first}-${range.last}/${about.sizeBytes}\r\n\r\n`,
    range,
  ]);
  pieces.push(`\r\n--${boundary}--\r\n`);
  let sizeBytes = 0;
  for (const piece of pieces)
    sizeBytes += typeof piece === "string" ? Buffer.byteLength(piece) : lengthOf(piece);
  return { pieces, sizeBytes };
}
