import type { KvValue } from "../model.ts";
import type { KvEntry } from "./kv-model.ts";

/** A key as the API tells it. */
export function toKvValue(
  key: string,
  { value, expiresAt, metadata, versionstamp }: KvEntry,
): KvValue {
  const text = textOf(value);
  return {
    key,
    value: text ?? Buffer.from(value).toString("base64"),
    encoding: text === undefined ? "base64" : "text",
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    metadata,
    versionstamp,
  };
}

/** A value as text, or undefined where it is none. */
function textOf(value: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return undefined;
  }
}
