import type { Database, SQLQueryBindings } from "bun:sqlite";
import { AsyncLocalStorage } from "node:async_hooks";

import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";

import { createCheckpoints } from "./checkpoints.ts";
import { openReader, openWriter } from "./connection.ts";
import { type SearchWorker, startSearchWorker } from "./search.ts";

/** The query builder of one connection. Await its queries; `.get()`, `.all()` and `.run()` stay inside `src/store`. */
export type Tx = BunSQLiteDatabase;

/** The database door: one writer, a reader beside it that writes never block, and a reader in a Worker for searches. */
export type Db = {
  /** Reads what is committed; inside a transaction of the same flow, what that transaction sees. */
  readonly read: Tx;
  /**
   * Runs `work` in one transaction (BEGIN IMMEDIATE, then COMMIT with an fsync, or ROLLBACK if it throws).
   * Transactions run one after another in the order of their calls. Called inside a transaction, it is a savepoint of it.
   * What it resolved with is on disk. Not so where `isLossy`: what it wrote is there for everybody at once and survives a
   * kill, but nobody waits for the disk, and the last of it may be gone after a power loss. For counts and logs.
   */
  transaction: <T>(work: (tx: Tx) => Promise<T>, options?: { isLossy?: boolean }) => Promise<T>;
  /** Runs a read that may be slow on another thread, over committed data. Rows by column name. */
  search: <Row>(sql: string, params: readonly SQLQueryBindings[]) => Promise<Row[]>;
  /** Waits for transactions under way, folds the WAL back and closes. */
  close: () => Promise<void>;
};

/** The transaction a flow is in. What a flow leaves running after its transaction ended sees `open: false`, and is outside. */
type Frame = { depth: number; open: boolean };

/** Where the thread that copies the log back is far behind, or gone, a commit does it: 64 MB. */
const MAX_LOG_PAGES = 16_000;
/** Roughly what a commit adds to the log, and each row that it changed. */
const COMMIT_BYTES = 12 * 1024;
const ROW_BYTES = 512;

/** Opens the database door on a migrated file. */
export function openDb(path: string): Db {
  const writer = openWriter(path);
  const reader = openReader(path);
  const log = foldLog(path, writer);
  const write = drizzle(writer);
  const read = drizzle(reader);
  const inside = new AsyncLocalStorage<Frame>();
  let search: SearchWorker | undefined;
  let tail: Promise<unknown> = Promise.resolve();

  async function begin<T>(work: (tx: Tx) => Promise<T>, isLossy: boolean): Promise<T> {
    const frame: Frame = { depth: 0, open: true };
    await log.behind();
    // Without a sync of its own: the sync of the next durable commit covers all that stands before it in the WAL.
    if (isLossy) writer.run("PRAGMA synchronous = NORMAL");
    try {
      writer.run("BEGIN IMMEDIATE");
      const result = await inside.run(frame, () => work(write));
      writer.run("COMMIT");
      log.grew();
      return result;
    } catch (error) {
      // A failed COMMIT may have ended the transaction already.
      if (writer.inTransaction) writer.run("ROLLBACK");
      throw error;
    } finally {
      frame.open = false;
      if (isLossy) writer.run("PRAGMA synchronous = FULL");
    }
  }

  return {
    get read() {
      return inside.getStore()?.open ? write : read;
    },
    transaction(work, { isLossy = false } = {}) {
      const current = inside.getStore();
      if (current?.open) return savepoint(writer, current, () => work(write));
      const run = tail.then(() => begin(work, isLossy));
      tail = run.catch(() => undefined);
      return run;
    },
    search(sql, params) {
      search ??= startSearchWorker(path);
      return search.query(sql, params);
    },
    async close() {
      search?.stop();
      await log.stop();
      await tail;
      reader.close();
      writer.run("PRAGMA wal_checkpoint(TRUNCATE)");
      writer.close();
    },
  };
}

/** The write-ahead log of a database, copied back into its file by another thread each time it has grown. */
type Log = {
  /** Told of each commit. */
  grew: () => void;
  /** Where the thread is far behind: resolves once it is not. */
  behind: () => Promise<void> | undefined;
  stop: () => Promise<void>;
};

function foldLog(path: string, writer: Database): Log {
  const checkpoints = createCheckpoints();
  writer.run(`PRAGMA wal_autocheckpoint = ${MAX_LOG_PAGES}`);
  const changes = writer.query<{ rows: number }, []>("SELECT total_changes() AS rows");
  let changed = 0;
  let behind: Promise<void> | undefined;
  return {
    grew() {
      const rows = changes.get()?.rows ?? 0;
      behind = checkpoints.note(path, writer, COMMIT_BYTES + (rows - changed) * ROW_BYTES);
      changed = rows;
    },
    behind: () => behind,
    stop: () => checkpoints.stop(),
  };
}

async function savepoint<T>(writer: Database, current: Frame, work: () => Promise<T>): Promise<T> {
  current.depth += 1;
  const name = `s${current.depth}`;
  writer.run(`SAVEPOINT ${name}`);
  try {
    const result = await work();
    writer.run(`RELEASE ${name}`);
    return result;
  } catch (error) {
    writer.run(`ROLLBACK TO ${name}`);
    writer.run(`RELEASE ${name}`);
    throw error;
  }
}
