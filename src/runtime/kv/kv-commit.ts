import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { KvFile, KvHead, KvRow } from "#store/kv-file.ts";

import { invalid, KV_LIMITS } from "./kv-check.ts";
import type { KvCheck } from "./kv-model.ts";

/** A row to be: all but its number. */
export type NextRow = Omit<KvRow, "stamp">;
/** A change whose parts were checked. */
export type ReadyChange =
  | { type: "set"; key: string; row: NextRow }
  | { type: "delete"; key: string }
  | { type: "sum" | "max" | "min"; key: string; by: number };
/** What a commit needs to know: the time, and how much the site may take. */
export type CommitAbout = { now: number; quotaBytes: number };
/** What became of it: the rows as they are now, null for those removed. */
export type Applied =
  { ok: true; stamp: number; rows: ReadonlyMap<string, NextRow | null> } | { ok: false };

/** Longer texts are no number. */
const NUMBER_BYTES = 400;

/** Does all changes, or none where a check does not hold. @throws kv_invalid, kv_quota, then nothing is written */
export function applyCommit(
  file: KvFile,
  checks: readonly KvCheck[],
  changes: readonly ReadyChange[],
  { now, quotaBytes }: CommitAbout,
): Promise<Applied> {
  return file.write((writer): Applied => {
    for (const { key, versionstamp } of checks) {
      const head = file.head(key);
      const stamp = head && isAlive(head, now) ? formatStamp(head.stamp) : null;
      if (stamp !== versionstamp) return { ok: false };
    }
    const rows = planRows(file, changes, now);
    requireRoom(file, rows, quotaBytes);
    const stamp = writer.nextStamp();
    for (const [key, row] of rows)
      if (row) writer.put(key, { ...row, stamp });
      else writer.remove(key);
    return { ok: true, stamp, rows };
  });
}

/** Whether a row is to be seen. */
export function isAlive({ expiresAt }: Pick<KvHead, "expiresAt">, now: number): boolean {
  return expiresAt === null || expiresAt > now;
}

/** A number of a write as programs see it. */
export function formatStamp(stamp: number): string {
  return stamp.toString(16).padStart(20, "0");
}

/** What a key takes. */
export function chargeOf(key: string, sizeBytes: number, metadata: string | null): number {
  const metadataBytes = metadata === null ? 0 : Buffer.byteLength(metadata);
  return Buffer.byteLength(key) + sizeBytes + metadataBytes + KV_LIMITS.overheadBytes;
}

/** The rows after all changes, one after another. */
function planRows(
  file: KvFile,
  changes: readonly ReadyChange[],
  now: number,
): Map<string, NextRow | null> {
  const rows = new Map<string, NextRow | null>();
  for (const change of changes) {
    const { key } = change;
    if (change.type === "set") rows.set(key, change.row);
    else if (change.type === "delete") rows.set(key, null);
    else {
      const before = rows.has(key) ? rows.get(key) : file.read(key);
      rows.set(key, reckon(change, before && isAlive(before, now) ? before : undefined));
    }
  }
  return rows;
}

/** A number after a change. How long it stays, and its metadata, are as before. */
function reckon(
  { type, key, by }: Extract<ReadyChange, { by: number }>,
  before: NextRow | undefined,
): NextRow {
  const old = before && numberOf(key, before);
  const next = old === undefined ? by : type === "sum" ? old + by : Math[type](old, by);
  if (!Number.isFinite(next)) throw invalid(key, "the sum is too large for a number");
  const value = Buffer.from(JSON.stringify(next));
  const metadata = before?.metadata ?? null;
  return {
    chargeBytes: chargeOf(key, value.byteLength, metadata),
    sizeBytes: value.byteLength,
    large: null,
    expiresAt: before?.expiresAt ?? null,
    metadata,
    value,
  };
}

function numberOf(key: string, { value, sizeBytes }: NextRow): number {
  const text = value && sizeBytes <= NUMBER_BYTES ? Buffer.from(value).toString() : "";
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "number" && Number.isFinite(parsed)) return parsed;
  } catch {
    // Told below.
  }
  throw invalid(key, "its value is not a number, so nothing can be added to it or compared");
}

function requireRoom(
  file: KvFile,
  rows: ReadonlyMap<string, NextRow | null>,
  quotaBytes: number,
): void {
  let more = 0;
  let key = "";
  for (const [name, row] of rows) {
    more += (row?.chargeBytes ?? 0) - (file.head(name)?.chargeBytes ?? 0);
    if (row) key = name;
  }
  const needed = file.usedBytes() + more;
  // What frees room is never refused.
  if (more > 0 && needed > quotaBytes)
    throw fail("kv_quota", { key: printable(key), needed, limit: quotaBytes });
}
