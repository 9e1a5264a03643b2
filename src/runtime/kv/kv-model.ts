/**
 * `src/runtime/kv` is the key-value store of sites: what programs, the API and pages read and write of it.
 * The server composes it, `src/bridge` carries its calls. It must never give one site a key of another.
 */
import type { KvFound, KvKey } from "#bridge/calls.ts";

/** A key with its value. `versionstamp`: 20 hex digits that grow with every write of the site. */
export type KvEntry = {
  value: Uint8Array;
  /** In milliseconds since 1970. */
  expiresAt: number | null;
  metadata: unknown;
  versionstamp: string;
};
/** A key with what is known of its value. */
export type KvItem = KvKey & { sizeBytes: number; versionstamp: string };

/** A value to be written. `metadata`: JSON of at most 1,024 bytes. */
export type KvSet = {
  key: string;
  value: Uint8Array;
  expiresAt?: number | undefined;
  metadata?: unknown;
};
/** One change of a commit; sum, max and min work on JSON numbers and take a missing one as it comes (sum: as 0). */
export type KvChange =
  | ({ type: "set" } & KvSet)
  | { type: "delete"; key: string }
  | { type: "sum" | "max" | "min"; key: string; by: number };
/** What a key must be for a commit to happen; null: not there. */
export type KvCheck = { key: string; versionstamp: string | null };

/** What a commit came to. */
export type KvCommitted = { ok: true; versionstamp: string } | { ok: false };
/** A part of the keys, in the order of their bytes. `cursor` null: there are no more. */
export type KvList = { items: KvItem[]; cursor: string | null };

/** The store of one site. All that is written is committed when it resolves, and survives a kill of the server. */
export type SiteKv = {
  /** The key, unless it is expired or not there. A promise only where its value is large. @throws kv_invalid */
  get: (key: string) => KvEntry | undefined | Promise<KvEntry | undefined>;
  /** The same, and `large` where the value is a file that would have to be read. */
  getSmall: (key: string) => KvEntry | undefined | "large";
  /** Up to 100 keys, in the order asked. @throws kv_invalid also where they have more than 25 MB together */
  getMany: (keys: readonly string[]) => Promise<(KvEntry | undefined)[]>;
  /** Answers the versionstamp. @throws kv_invalid, kv_quota, file_failed */
  put: (set: KvSet) => Promise<string>;
  /** The same where the key is of that versionstamp (null: not there); else it stays, and the answer is undefined. */
  putIf: (set: KvSet, versionstamp: string | null) => Promise<string | undefined>;
  /** Whether the key was there. @throws kv_invalid */
  delete: (key: string) => Promise<boolean>;
  /** @throws kv_invalid, invalid_input */
  list: (about: {
    prefix?: string | undefined;
    limit?: number | undefined;
    cursor?: string | undefined;
  }) => KvList;
  /** Adds to a JSON number, 0 where there is none. @throws kv_invalid, kv_quota */
  add: (key: string, by: number) => Promise<{ value: number; versionstamp: string }>;
  /** All or nothing. @throws kv_invalid, invalid_input, kv_quota, file_failed */
  commit: (checks: readonly KvCheck[], changes: readonly KvChange[]) => Promise<KvCommitted>;
  /** What all keys take: key, value, metadata and 64 bytes each. */
  usedBytes: () => number;
  quotaBytes: () => number;
};

/** What a program is told of a key that is not there. */
export const ABSENT: KvFound = { versionstamp: null, expiresAt: null, metadata: null };
