import type { SQLQueryBindings } from "bun:sqlite";

/**
 * Turns what a program binds into what SQLite takes, as D1 does.
 *
 * Throws Error `D1_TYPE_ERROR` for what D1 takes no parameter of
 */
export function toSql(value: unknown): SQLQueryBindings {
  if (value === null || typeof value === "number" || typeof value === "string") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value) && value.every(isByte)) return Uint8Array.from(value);
  const shown = typeof value === "bigint" ? `${value}` : typeof value;
  throw new Error(`D1_TYPE_ERROR: Type '${typeof value}' not supported for value '${shown}'`);
}

/** What a program gets of a column: blobs as arrays of numbers. */
export function fromSql(value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

/** What SQLite says where nothing more may be written: by then, or from the next start on. */
const FULL: ReadonlySet<string> = new Set(["SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_FULL"]);

/** An error of SQLite, worded as D1 does: `D1_ERROR: UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT`. */
export function toD1Error(error: unknown, kind = "D1_ERROR"): Error {
  if (!(error instanceof Error)) return new Error(`${kind}: ${String(error)}`);
  if (error.message.startsWith("D1_")) return error;
  const code: unknown = Reflect.get(error, "code");
  const primary = typeof code === "string" ? /^SQLITE_[A-Z]+/.exec(code)?.[0] : undefined;
  const hint =
    primary !== undefined && FULL.has(primary) ? " (is the disk quota of the site used up?)" : "";
  const message = error.message + hint + (primary ? `: ${primary}` : "");
  return new Error(`${kind}: ${message}`, { cause: new Error(error.message) });
}

function isByte(value: unknown): value is number {
  return typeof value === "number";
}
