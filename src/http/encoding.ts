/** The content codings that we make, best first. */
export const ENCODINGS = ["zstd", "gzip"] as const;
/** How a body is sent; identity: as it is. */
export type Encoding = (typeof ENCODINGS)[number] | "identity";

/** Longest `Accept-Encoding` that is looked at. */
const MAX_HEADER = 1000;

/**
 * The coding for an `Accept-Encoding` header: the one with the highest weight, ours first among equals. Where the header
 * refuses everything, identity all the same: a body is of more use than 406.
 *
 * @see RFC 9110 section 12.5.3
 */
export function chooseEncoding(header: string | null): Encoding {
  if (header === null || header.length > MAX_HEADER) return "identity";
  const weights = readWeights(header);
  const weightOf = (name: Encoding): number =>
    weights.get(name) ?? weights.get("*") ?? (name === "identity" ? Number.MIN_VALUE : 0);
  let best: Encoding = "identity";
  for (const name of [...ENCODINGS].toReversed())
    if (weightOf(name) > 0 && weightOf(name) >= weightOf(best)) best = name;
  return best;
}

/** Each coding that an `Accept-Encoding` header names, in lower case, with its weight from 0 to 1; what is malformed has 0. */
export function readWeights(header: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const item of header.toLowerCase().split(",")) {
    const [name = "", ...parameters] = item.split(";").map((part) => part.trim());
    const weight = parameters.find((part) => part.startsWith("q="))?.slice(2) ?? "1";
    if (name !== "")
      weights.set(name, /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0);
  }
  return weights;
}

/** The bytes in a coding. */
export function encodeBytes(
  bytes: Uint8Array<ArrayBuffer>,
  encoding: Encoding,
): Uint8Array<ArrayBuffer> {
  if (encoding === "gzip") return Bun.gzipSync(bytes, { level: 6 });
  if (encoding === "zstd") return new Uint8Array(Bun.zstdCompressSync(bytes, { level: 9 }));
  return bytes;
}
