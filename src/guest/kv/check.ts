import { isObject, natives, propertyOf } from "../natives.ts";

const MAX_KEY_BYTES = 512;
const MAX_METADATA_BYTES = 1024;
const MIN_TTL = 60;

/**
 * Checks a key as Workers does.
 *
 * Throws TypeError for what can be no key, Error where it is too long
 */
export function checkKey(verb: string, key: unknown): string {
  const name = String(key);
  if (name === "") throw new TypeError("Key name cannot be empty.");
  if (name === "." || name === "..") throw new TypeError(`"${name}" is not allowed as a key name.`);
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_KEY_BYTES)
    throw new Error(
      `KV ${verb} failed: 414 UTF-8 encoded length of ${bytes} exceeds key length limit of ${MAX_KEY_BYTES}.`,
    );
  return name;
}

/**
 * What is kept beside a value.
 *
 * Throws Error worded as Workers does
 */
export function readPutOptions(
  options: unknown,
  nowMs: number,
): { expiresAt?: number; metadata?: unknown } {
  const metadata = propertyOf(options, "metadata");
  const expiresAt = readExpiry(options, nowMs);
  const text = metadata === undefined || metadata === null ? "" : natives.stringify(metadata);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_METADATA_BYTES)
    throw refusal(413, `Metadata length of ${bytes} exceeds limit of ${MAX_METADATA_BYTES}.`);
  return {
    ...(expiresAt !== undefined && { expiresAt }),
    ...(text !== "" && { metadata }),
  };
}

/** The bytes of a value that is at hand; undefined: it is a stream. */
export function bytesOfValue(value: unknown): Uint8Array | undefined {
  if (typeof value === "string") return Buffer.from(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (isObject(value) && value instanceof natives.ReadableStream) return undefined;
  throw new TypeError(
    "KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.",
  );
}

function readExpiry(options: unknown, nowMs: number): number | undefined {
  const nowSeconds = Math.floor(nowMs / 1000);
  const ttl = propertyOf(options, "ttl");
  if (ttl !== undefined) {
    const seconds = Number(ttl);
    if (!(seconds >= 1))
      throw refusal(400, `Invalid ttl of ${seconds}. Please specify seconds, at least 1.`);
    return Math.round(nowMs + seconds * 1000);
  }
  const expirationTtl = propertyOf(options, "expirationTtl");
  if (expirationTtl !== undefined) return nowMs + readTtl(Number(expirationTtl)) * 1000;
  const expiration = propertyOf(options, "expiration");
  if (expiration === undefined) return undefined;
  const at = Number(expiration);
  if (!Number.isInteger(at) || at <= nowSeconds)
    throw refusal(
      400,
      `Invalid expiration of ${at}. Please specify integer greater than the current number of seconds since the UNIX epoch.`,
    );
  if (at < nowSeconds + MIN_TTL)
    throw refusal(
      400,
      `Invalid expiration of ${at}. Expiration times must be at least ${MIN_TTL} seconds in the future.`,
    );
  return at * 1000;
}

function readTtl(ttl: number): number {
  if (!Number.isInteger(ttl) || ttl <= 0)
    throw refusal(400, `Invalid expiration_ttl of ${ttl}. Please specify integer greater than 0.`);
  if (ttl < MIN_TTL)
    throw refusal(
      400,
      `Invalid expiration_ttl of ${ttl}. Expiration TTL must be at least ${MIN_TTL}.`,
    );
  return ttl;
}

function refusal(status: number, problem: string): Error {
  return new Error(`KV PUT failed: ${status} ${problem}`);
}
