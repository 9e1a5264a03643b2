import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

/** Limits that no setting changes. */
export const KV_LIMITS = {
  keyBytes: 512,
  metadataBytes: 1024,
  mutations: 1000,
  checks: 100,
  /** Values of one commit. */
  commitBytes: 10 * 1024 * 1024,
  listKeys: 1000,
  getKeys: 100,
  /** Values of one `getMany`. */
  getBytes: 25 * 1024 * 1024,
  /** What a key takes beside its bytes. */
  overheadBytes: 64,
} as const;

/** A key that can be used: 1 to 512 bytes of Unicode. @throws kv_invalid */
export function parseKey(key: unknown): string {
  if (typeof key !== "string") throw invalid("", "a key is a text");
  if (key === "") throw invalid(key, "a key has at least one letter");
  if (key === "." || key === "..") throw invalid(key, "it would be a step in a path");
  // Counting is slow beside the rest, and short ones cannot be too long.
  if (key.length * 3 > KV_LIMITS.keyBytes && Buffer.byteLength(key) > KV_LIMITS.keyBytes)
    throw invalid(`${key.slice(0, 60)}…`, `a key has at most ${KV_LIMITS.keyBytes} bytes`);
  if (!key.isWellFormed())
    throw invalid(key.toWellFormed(), "it is not Unicode: half a character stands alone");
  if (key.includes("\0")) throw invalid(key, "a key holds no NUL");
  return key;
}

/** Metadata as it is stored; null where there is none. @throws kv_invalid */
export function packMetadata(key: string, metadata: unknown): string | null {
  if (metadata === undefined || metadata === null) return null;
  const text: unknown = JSON.stringify(metadata);
  if (typeof text !== "string") throw invalid(key, "its metadata is not JSON");
  if (Buffer.byteLength(text) > KV_LIMITS.metadataBytes)
    throw invalid(key, `its metadata has more than ${KV_LIMITS.metadataBytes} bytes of JSON`);
  return text;
}

/** When a key ends, in milliseconds since 1970; null: never. @throws kv_invalid */
export function parseExpiry(key: string, expiresAt: unknown, now: number): number | null {
  if (expiresAt === undefined || expiresAt === null) return null;
  if (typeof expiresAt !== "number" || !Number.isFinite(expiresAt) || expiresAt > 8.64e15)
    throw invalid(key, "the time at which it expires is not a moment");
  if (expiresAt <= now) throw invalid(key, "the time at which it expires is over already");
  return Math.ceil(expiresAt);
}

/** A number that JSON can hold. @throws kv_invalid */
export function parseAddend(key: string, by: unknown): number {
  if (typeof by === "number" && Number.isFinite(by)) return by;
  throw invalid(key, "what is added or compared is not a number");
}

/** A versionstamp, or null for a key that must not be there. @throws kv_invalid */
export function parseStamp(key: string, versionstamp: unknown): string | null {
  if (versionstamp === null) return null;
  if (typeof versionstamp === "string" && /^[0-9a-f]{20}$/.test(versionstamp)) return versionstamp;
  throw invalid(key, "a versionstamp has 20 hex digits");
}

/** The error of a key that cannot be used so. */
export function invalid(key: string, problem: string): LandError {
  return fail("kv_invalid", { key: printable(key), problem });
}
