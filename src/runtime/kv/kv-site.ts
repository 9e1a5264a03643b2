import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { KvFile, KvHead } from "#store/kv-file.ts";
import type { KvValues } from "#store/kv-values.ts";

import {
  invalid,
  KV_LIMITS,
  packMetadata,
  parseAddend,
  parseExpiry,
  parseKey,
  parseStamp,
} from "./kv-check.ts";
import {
  type Applied,
  applyCommit,
  chargeOf,
  formatStamp,
  isAlive,
  type NextRow,
  type ReadyChange,
} from "./kv-commit.ts";
import type { KvChange, KvCheck, KvEntry, KvItem, KvSet, SiteKv } from "./kv-model.ts";

/** What the store of a site stands on. `file` opens it where it is not open. */
export type SiteKvParts = {
  file: () => KvFile;
  values: KvValues;
  /** Files of values that are written and named by no row yet. */
  staging: Set<string>;
  now: () => number;
  quotaBytes: () => number;
  valueBytes: number;
  /** Removes expired keys; answers how many. */
  sweep: () => Promise<number>;
};

/** Larger values are files of their own. */
const LARGE_BYTES = 128 * 1024;

/** The store of one site. */
export function createSiteKv(parts: SiteKvParts): SiteKv {
  const { file, now, quotaBytes } = parts;
  const commit = createCommit(parts);
  const change = async (one: KvChange): Promise<Applied & { ok: true }> => {
    const applied = await commit([], [one]);
    if (!applied.ok) throw new Error("a commit without checks failed");
    return applied;
  };
  return {
    ...readsOf(parts),
    put: async (set) => formatStamp((await change({ type: "set", ...set })).stamp),
    async putIf(set, versionstamp) {
      const check = { key: parseKey(set.key), versionstamp };
      const applied = await commit([check], [{ type: "set", ...set }]);
      return applied.ok ? formatStamp(applied.stamp) : undefined;
    },
    async delete(key) {
      const head = settled(file()).head(parseKey(key));
      if (!head) return false;
      await change({ type: "delete", key });
      return isAlive(head, now());
    },
    async add(key, by) {
      const { stamp, rows } = await change({ type: "sum", key, by });
      const value = Number(Buffer.from(rows.get(key)?.value ?? []).toString());
      return { value, versionstamp: formatStamp(stamp) };
    },
    async commit(checks, changes) {
      requireSmall(checks, changes);
      const parsed = checks.map((check) => {
        const key = parseKey(check.key);
        return { key, versionstamp: parseStamp(key, check.versionstamp) };
      });
      const applied = await commit(parsed, changes);
      return applied.ok ? { ok: true, versionstamp: formatStamp(applied.stamp) } : { ok: false };
    },
    usedBytes: () => settled(file()).usedBytes(),
    quotaBytes,
  };
}

type Commit = (checks: readonly KvCheck[], changes: readonly KvChange[]) => Promise<Applied>;

/** Writes at once where no value is large: then the order of calls is the order of writes. */
function createCommit(parts: SiteKvParts): Commit {
  const { file, now, quotaBytes, values, staging } = parts;
  const stage = createStaging(parts);
  return async (checks, changes) => {
    const staged: string[] = [];
    try {
      const ready: ReadyChange[] = [];
      for (const change of changes) {
        const made = makeReady(parts, change, stage, staged);
        ready.push(made instanceof Promise ? await made : made);
      }
      const apply = () =>
        applyCommit(file(), checks, ready, { now: now(), quotaBytes: quotaBytes() });
      const applied = await apply().catch(async (error: unknown) => {
        if (!isQuota(error) || (await parts.sweep()) === 0) throw error;
        return apply();
      });
      if (!applied.ok) await values.remove(staged);
      return applied;
    } catch (error) {
      await values.remove(staged);
      throw error;
    } finally {
      for (const name of staged) staging.delete(name);
    }
  };
}

function settled(file: KvFile): KvFile {
  file.settle();
  return file;
}

function readsOf({
  file,
  values,
  now,
}: SiteKvParts): Pick<SiteKv, "get" | "getSmall" | "getMany" | "list"> {
  const get: SiteKv["get"] = (key) => {
    const row = settled(file()).read(parseKey(key));
    if (!row || !isAlive(row, now())) return undefined;
    const { value, large, sizeBytes } = row;
    const about = describe(row);
    if (large === null) return { ...about, value: value ?? new Uint8Array() };
    return values.read(large, sizeBytes).then((whole) => ({ ...about, value: whole }));
  };
  return {
    get,
    getSmall(key) {
      const row = settled(file()).read(parseKey(key));
      if (!row || !isAlive(row, now())) return undefined;
      return row.large === null
        ? { ...describe(row), value: row.value ?? new Uint8Array() }
        : "large";
    },
    async getMany(keys) {
      if (keys.length > KV_LIMITS.getKeys) throw refuse("keys", `use at most ${KV_LIMITS.getKeys}`);
      const store = settled(file());
      let total = 0;
      for (const key of keys) total += store.head(parseKey(key))?.sizeBytes ?? 0;
      if (total > KV_LIMITS.getBytes)
        throw refuse("keys", `their values have more than ${KV_LIMITS.getBytes} bytes together`);
      return Promise.all(keys.map(async (key) => get(key)));
    },
    list({ prefix = "", limit = KV_LIMITS.listKeys, cursor }) {
      if (!Number.isInteger(limit) || limit < 1 || limit > KV_LIMITS.listKeys)
        throw refuse("limit", `use 1 to ${KV_LIMITS.listKeys}`);
      if (prefix !== "" && prefix !== "." && prefix !== "..") parseKey(prefix);
      const after = cursor === undefined ? undefined : readCursor(cursor);
      const { rows, seen } = settled(file()).list({ prefix, after, limit: limit + 1, now: now() });
      const items = rows.slice(0, limit).map((row) => toItem(row.key, row));
      const last = rows.length > limit ? items.at(-1)?.name : seen;
      return { items, cursor: last === undefined ? null : Buffer.from(last).toString("base64url") };
    },
  };
}

function toItem(key: string, head: KvHead): KvItem {
  return { name: key, sizeBytes: head.sizeBytes, ...describe(head) };
}

function describe({ expiresAt, metadata, stamp }: KvHead): Omit<KvEntry, "value"> {
  return {
    expiresAt,
    metadata: metadata === null ? null : JSON.parse(metadata),
    versionstamp: formatStamp(stamp),
  };
}

type Stage = (key: string, value: Uint8Array, staged: string[]) => Promise<string>;

/** Writes large values down ahead of their rows. What is under way counts against the quota, so that it bounds the disk. */
function createStaging({ file, values, staging, quotaBytes, sweep }: SiteKvParts): Stage {
  let underWay = 0;
  return async (key, value, staged) => {
    const { byteLength } = value;
    const reckon = (): number => {
      const before = file().head(key)?.chargeBytes ?? 0;
      return file().usedBytes() + underWay + byteLength - before;
    };
    const limit = quotaBytes();
    if (reckon() > limit) await sweep();
    const needed = reckon();
    if (needed > limit) throw fail("kv_quota", { key: printable(key), needed, limit });
    underWay += byteLength;
    try {
      const name = await values.stage(value, (made) => void staging.add(made));
      staged.push(name);
      return name;
    } finally {
      underWay -= byteLength;
    }
  };
}

function makeReady(
  parts: SiteKvParts,
  change: KvChange,
  stage: Stage,
  staged: string[],
): ReadyChange | Promise<ReadyChange> {
  const key = parseKey(change.key);
  if (change.type === "delete") return { type: "delete", key };
  if (change.type !== "set") return { type: change.type, key, by: parseAddend(key, change.by) };
  const row = makeRow(parts, key, change);
  if (change.value.byteLength <= LARGE_BYTES) return { type: "set", key, row };
  return stage(key, change.value, staged).then((large) => ({
    type: "set",
    key,
    row: { ...row, large, value: null },
  }));
}

function makeRow({ valueBytes, now }: SiteKvParts, key: string, set: KvSet): NextRow {
  const { value } = set;
  const sizeBytes = value.byteLength;
  if (sizeBytes > valueBytes) throw invalid(key, `its value has more than ${valueBytes} bytes`);
  const metadata = packMetadata(key, set.metadata);
  const expiresAt = parseExpiry(key, set.expiresAt, now());
  const chargeBytes = chargeOf(key, sizeBytes, metadata);
  return { chargeBytes, sizeBytes, large: null, expiresAt, metadata, value };
}

function requireSmall(checks: readonly KvCheck[], changes: readonly KvChange[]): void {
  if (checks.length > KV_LIMITS.checks) throw refuse("checks", `use at most ${KV_LIMITS.checks}`);
  if (changes.length > KV_LIMITS.mutations)
    throw refuse("mutations", `use at most ${KV_LIMITS.mutations}`);
  let total = 0;
  for (const change of changes) if (change.type === "set") total += change.value.byteLength;
  if (total > KV_LIMITS.commitBytes)
    throw refuse(
      "mutations",
      `their values have more than ${KV_LIMITS.commitBytes} bytes together`,
    );
}

function readCursor(cursor: string): string {
  const key = Buffer.from(cursor, "base64url").toString();
  if (key === "" || Buffer.from(key).toString("base64url") !== cursor)
    throw refuse("cursor", "use the one of an answer as it is");
  return key;
}

function refuse(field: string, problem: string): LandError {
  return fail("invalid_input", { field, problem });
}

function isQuota(error: unknown): boolean {
  return error instanceof LandError && error.code === "kv_quota";
}
