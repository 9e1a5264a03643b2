import type { Database } from "bun:sqlite";

import { LandError } from "#base/errors.ts";

import type { Checkpoints } from "./checkpoints.ts";
import { openWriter } from "./connection.ts";

/** What is known of a key without its value. `large` names the file that holds the value. */
export type KvHead = {
  /** What it counts against the quota, in bytes. */
  chargeBytes: number;
  sizeBytes: number;
  large: string | null;
  /** JSON. */
  metadata: string | null;
  /** In milliseconds since 1970. */
  expiresAt: number | null;
  stamp: number;
};
/** The same with the value; null where it is in the file `large`. */
export type KvRow = KvHead & { value: Uint8Array | null };
/** A key in a list. */
export type KvListed = KvHead & { key: string };

/** Changes of a transaction. */
export type KvWriter = {
  /** The number of this change: larger than those of all before it. */
  nextStamp: () => number;
  put: (key: string, row: KvRow) => void;
  remove: (key: string) => void;
};

/** The key-value store of one site on disk. Rows are as they stand, expired ones too. */
export type KvFile = {
  head: (key: string) => KvHead | undefined;
  read: (key: string) => KvRow | undefined;
  /**
   * Keys after `after` that begin with `prefix` and are not expired at `now`, in the order of their bytes. Expired ones may lie there in any number:
   * where so many were passed by that it must not take longer, `seen` is the last key that was looked at.
   */
  list: (about: { prefix: string; after: string | undefined; limit: number; now: number }) => {
    rows: KvListed[];
    seen: string | undefined;
  };
  /** Keys that are expired at `now`. */
  expired: (now: number, limit: number) => string[];
  /** Whether some value is in this file. */
  hasLarge: (name: string) => boolean;
  usedBytes: () => number;
  /**
   * Does `work` at once, in one transaction with all other work of this turn of the event loop; resolves when that is
   * committed, so that it survives a kill. A LandError must be thrown before anything is written: only its caller is told.
   */
  write: <T>(work: (writer: KvWriter) => T) => Promise<T>;
  /** Commits work that waits, so that what is read next is on disk. */
  settle: () => void;
  close: () => void;
};

/** What opening needs. */
export type KvFileOptions = {
  path: string;
  checkpoints: Checkpoints;
  /** Called after the commit with files whose values nothing names any more. */
  onDropped: (names: readonly string[]) => void;
};

const SCHEMA = [
  `CREATE TABLE entries (
    id         INTEGER PRIMARY KEY,
    key        BLOB NOT NULL UNIQUE,
    charge     INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    large      TEXT,
    expires_at INTEGER,
    stamp      INTEGER NOT NULL,
    metadata   TEXT,
    value      BLOB
  ) STRICT`,
  "CREATE INDEX entries_expiring ON entries (expires_at) WHERE expires_at IS NOT NULL",
  "CREATE INDEX entries_large ON entries (large) WHERE large IS NOT NULL",
  "CREATE TABLE totals (one INTEGER PRIMARY KEY, used INTEGER NOT NULL, stamp INTEGER NOT NULL) STRICT",
  "INSERT INTO totals VALUES (1, 0, 0)",
  "PRAGMA user_version = 1",
];
const HEAD =
  'charge AS "chargeBytes", size AS "sizeBytes", large, metadata, expires_at AS "expiresAt", stamp';

/** Keys that one list looks at, a few milliseconds. */
const LOOKED_AT = 5000;
/** No key in UTF-8 begins with this byte. */
const BEYOND = Buffer.of(0xff);
/** Roughly what a commit adds to the log beside its values. */
const PAGES_BYTES = 12 * 1024;

/**
 * Opens the store at `path`, made for its owner alone where it is not there. A commit does not wait for the disk: it survives a
 * kill, and the last ones may be gone after a power loss.
 */
export function openKvFile({ path, checkpoints, onDropped }: KvFileOptions): KvFile {
  const db = openDatabase(path);
  const query = prepare(db);
  const totals = query.totals.get() ?? { used: 0, stamp: 0 };
  const group = createGroup(db, {
    save: () => void query.saveTotals.run(totals.used, totals.stamp),
    restore: (before) => Object.assign(totals, before),
    totals: () => ({ ...totals }),
    onDropped,
    onCommitted: (bytes) => checkpoints.note(path, db, bytes),
  });
  const drop = (key: Uint8Array, next: string | null): void => {
    const before = query.head.get(key);
    if (!before) return;
    totals.used -= before.chargeBytes;
    if (before.large !== null && before.large !== next) group.dropped(before.large);
  };
  const writer: KvWriter = {
    nextStamp: () => (totals.stamp += 1),
    put(name, row) {
      const key = Buffer.from(name);
      drop(key, row.large);
      totals.used += row.chargeBytes;
      const { chargeBytes, sizeBytes, large, expiresAt, stamp, metadata, value } = row;
      query.put.run(key, chargeBytes, sizeBytes, large, expiresAt, stamp, metadata, value);
      group.wrote(value?.byteLength ?? 0);
    },
    remove(name) {
      const key = Buffer.from(name);
      drop(key, null);
      query.remove.run(key);
      group.wrote(0);
    },
  };
  return {
    head: (key) => query.head.get(Buffer.from(key)) ?? undefined,
    read: (key) => query.read.get(Buffer.from(key)) ?? undefined,
    list: (about) => listKeys(query, about),
    expired: (now, limit) =>
      query.expired.all(now, limit).map(({ key }) => Buffer.from(key).toString()),
    hasLarge: (name) => query.hasLarge.get(name) !== null,
    usedBytes: () => totals.used,
    write: (work) => group.add(() => work(writer)),
    settle: group.settle,
    close() {
      group.settle();
      checkpoints.forget(path);
      db.close();
    },
  };
}

type ListAbout = Parameters<KvFile["list"]>[0];

function listKeys(
  query: ReturnType<typeof prepare>,
  { prefix, after, limit, now }: ListAbout,
): ReturnType<KvFile["list"]> {
  // What follows a key at once is the same with a zero byte.
  const [first, next] = [Buffer.from(prefix), Buffer.from(`${after}\0`)];
  const from = after === undefined || Buffer.compare(next, first) < 0 ? first : next;
  const end = endOf(prefix);
  const last = query.keyAt.get(from, end)?.key;
  const until = last ? Buffer.concat([last, Buffer.of(0)]) : end;
  const rows = query.list.all(from, until, now, limit);
  return {
    rows: rows.map((row) => Object.assign(row, { key: Buffer.from(row.key).toString() })),
    seen: last && rows.length < limit ? Buffer.from(last).toString() : undefined,
  };
}

function openDatabase(path: string): Database {
  const db = openWriter(path);
  try {
    db.run("PRAGMA synchronous = NORMAL");
    db.run("PRAGMA cache_size = -1000");
    // Another thread does that: the disk would hold this one for milliseconds.
    db.run("PRAGMA wal_autocheckpoint = 0");
    db.run("PRAGMA journal_size_limit = 16777216");
    const { user_version: version } = db
      .query<{ user_version: number }, []>("PRAGMA user_version")
      .get() ?? { user_version: 0 };
    if (version === 0) db.transaction(() => SCHEMA.forEach((sql) => db.run(sql))).immediate();
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

type Listed = KvHead & { key: Uint8Array };

function prepare(db: Database) {
  return {
    head: db.query<KvHead, [Uint8Array]>(`SELECT ${HEAD} FROM entries WHERE key = ?1`),
    read: db.query<KvRow, [Uint8Array]>(`SELECT ${HEAD}, value FROM entries WHERE key = ?1`),
    put: db.query(
      `INSERT INTO entries (key, charge, size, large, expires_at, stamp, metadata, value)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
       ON CONFLICT (key) DO UPDATE SET charge = ?2, size = ?3, large = ?4, expires_at = ?5, stamp = ?6, metadata = ?7, value = ?8`,
    ),
    remove: db.query("DELETE FROM entries WHERE key = ?1"),
    list: db.query<Listed, [Uint8Array, Uint8Array, number, number]>(
      `SELECT key, ${HEAD} FROM entries
       WHERE key >= ?1 AND key < ?2 AND (expires_at IS NULL OR expires_at > ?3) ORDER BY key LIMIT ?4`,
    ),
    keyAt: db.query<{ key: Uint8Array }, [Uint8Array, Uint8Array]>(
      `SELECT key FROM entries WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1 OFFSET ${LOOKED_AT}`,
    ),
    expired: db.query<{ key: Uint8Array }, [number, number]>(
      "SELECT key FROM entries WHERE expires_at <= ?1 LIMIT ?2",
    ),
    hasLarge: db.query("SELECT 1 FROM entries WHERE large = ?1"),
    totals: db.query<{ used: number; stamp: number }, []>("SELECT used, stamp FROM totals"),
    saveTotals: db.query("UPDATE totals SET used = ?1, stamp = ?2"),
  };
}

/** The first bytes after all that begin with `prefix`. */
function endOf(prefix: string): Uint8Array {
  const bytes = Buffer.from(prefix);
  const last = bytes.length - 1;
  // No byte of UTF-8 is the largest one, so the last one can be raised.
  if (last < 0) return BEYOND;
  bytes[last] = (bytes[last] ?? 0) + 1;
  return bytes;
}

type Totals = { used: number; stamp: number };
type GroupParts = {
  totals: () => Totals;
  save: () => void;
  restore: (before: Totals) => void;
  onDropped: (names: readonly string[]) => void;
  /** Answers what whoever waits for the commit waits for besides. */
  onCommitted: (bytes: number) => Promise<void> | undefined;
};
type Open = {
  done: PromiseWithResolvers<void>;
  before: Totals;
  dropped: string[];
  bytes: number;
};

/** Puts the work of one turn of the event loop into one transaction: a commit costs as much as ten small writes. */
function createGroup(db: Database, parts: GroupParts) {
  const [begin, commit, rollback] = [
    db.query("BEGIN IMMEDIATE"),
    db.query("COMMIT"),
    db.query("ROLLBACK"),
  ];
  let open: Open | undefined;

  function start(): Open {
    begin.run();
    const done = Promise.withResolvers<void>();
    // Whoever waits is told; nobody may wait, where all work of the turn was refused.
    done.promise.catch(() => undefined);
    const started = { done, before: parts.totals(), dropped: [], bytes: 0 };
    setImmediate(() => {
      if (open === started) settle();
    });
    return started;
  }
  function abort(current: Open, cause: unknown): void {
    open = undefined;
    // A full disk may have ended the transaction already.
    if (db.inTransaction) rollback.run();
    parts.restore(current.before);
    current.done.reject(cause);
  }
  function settle(): void {
    const current = open;
    if (!current) return;
    try {
      if (current.bytes > 0) parts.save();
      commit.run();
      open = undefined;
    } catch (cause) {
      abort(current, cause);
      return;
    }
    const { bytes, dropped } = current;
    current.done.resolve(bytes > 0 ? parts.onCommitted(bytes + PAGES_BYTES) : undefined);
    if (dropped.length > 0) parts.onDropped(dropped);
  }
  return {
    settle,
    wrote: (bytes: number) => void (open && (open.bytes += bytes + 200)),
    dropped: (name: string) => void open?.dropped.push(name),
    async add<T>(work: () => T): Promise<T> {
      const current = (open ??= start());
      let result: T;
      try {
        result = work();
      } catch (error) {
        if (!(error instanceof LandError)) abort(current, error);
        throw error;
      }
      await current.done.promise;
      return result;
    },
  };
}
