import type { Database, SQLQueryBindings } from "bun:sqlite";
import { AsyncLocalStorage } from "node:async_hooks";

import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";

import { createCheckpoints } from "./checkpoints.ts";
import { openReader, openWriter } from "./connection.ts";
import { createLossyWriter, type LossyTx, type LossyWriter } from "./lossy.ts";
import { type SearchWorker, startSearchWorker } from "./search.ts";

/** The query builder of one connection. Await its queries; `.get()`, `.all()` and `.run()` stay inside `src/store`. */
export type Tx = BunSQLiteDatabase;

/**
 * The database door: one writer, a reader beside it that writes never block, and on threads of their own a reader for searches and a
 * writer for counts and logs.
 */
export type Db = {
  /** Reads what is committed; inside a transaction of the same flow, what that transaction sees. */
  readonly read: Tx;
  /**
   * Runs `work` in one transaction (BEGIN IMMEDIATE, then COMMIT with an fsync, or ROLLBACK if it throws).
   * Transactions run one after another in the order of their calls. Called inside a transaction, it is a savepoint of it.
   * What it resolved with is on disk.
   */
  transaction: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  /**
   * As `transaction`, in turn with the others, but on another thread: what it wrote is there for everybody at once and survives a
   * kill, but nobody waits for the disk, and the last of it may be gone after a power loss. For counts and logs. Inside it only
   * its own `tx` sees what it wrote; neither can begin inside the other.
   */
  lossy: <T>(work: (tx: LossyTx) => Promise<T>) => Promise<T>;
  /** Runs a read that may be slow on another thread, over committed data. Rows by column name. */
  search: <Row>(sql: string, params: readonly SQLQueryBindings[]) => Promise<Row[]>;
  /** Waits for transactions under way, folds the WAL back and closes. */
  close: () => Promise<void>;
};

/** The transaction a flow is in. What a flow leaves running after its transaction ended sees `open: false`, and is outside. */
type Frame = { depth: number; open: boolean; isLossy: boolean };

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
  const besides = createLossyWriter(path);
  const turns = createTurns({ writer, write, log, inside, besides });
  let search: SearchWorker | undefined;
  return {
    get read() {
      const current = inside.getStore();
      return current?.open && !current.isLossy ? write : read;
    },
    transaction: turns.transaction,
    lossy: turns.lossy,
    search(sql, params) {
      search ??= startSearchWorker(path);
      return search.query(sql, params);
    },
    async close() {
      search?.stop();
      await log.stop();
      await turns.settled();
      await besides.stop();
      reader.close();
      writer.run("PRAGMA wal_checkpoint(TRUNCATE)");
      writer.close();
    },
  };
}

/** What transactions are made of. */
type Parts = {
  writer: Database;
  write: Tx;
  log: Log;
  inside: AsyncLocalStorage<Frame>;
  besides: LossyWriter;
};

/** Transactions one after another, whichever connection they go over: neither ever waits for the other's lock. */
function createTurns({
  writer,
  write,
  log,
  inside,
  besides,
}: Parts): Pick<Db, "transaction" | "lossy"> & { settled: () => Promise<unknown> } {
  let tail: Promise<unknown> = Promise.resolve();

  async function begin<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const frame: Frame = { depth: 0, open: true, isLossy: false };
    await log.behind();
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
    }
  }

  async function beginLossy<T>(work: (tx: LossyTx) => Promise<T>): Promise<T> {
    const frame: Frame = { depth: 0, open: true, isLossy: true };
    await log.behind();
    try {
      const { result, rows } = await besides.run((tx) => inside.run(frame, () => work(tx)));
      log.grewBy(rows);
      return result;
    } finally {
      frame.open = false;
    }
  }

  function inTurn<T>(begins: () => Promise<T>): Promise<T> {
    const run = tail.then(begins);
    tail = run.catch(() => undefined);
    return run;
  }

  return {
    async transaction(work) {
      const current = inside.getStore();
      if (!current?.open) return inTurn(() => begin(work));
      // It would wait for the one that it is in.
      if (current.isLossy) throw new Error("a transaction inside a lossy one");
      return savepoint(writer, current, () => work(write));
    },
    async lossy(work) {
      if (inside.getStore()?.open) throw new Error("a lossy transaction inside another");
      return inTurn(() => beginLossy(work));
    },
    settled: () => tail,
  };
}

/** The write-ahead log of a database, copied back into its file by another thread each time it has grown. */
type Log = {
  /** Told of each commit. */
  grew: () => void;
  /** Told of a commit of another connection that changed so many rows. */
  grewBy: (rows: number) => void;
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
  const grewBy = (rows: number): void => {
    behind = checkpoints.note(path, writer, COMMIT_BYTES + rows * ROW_BYTES);
  };
  return {
    grew() {
      const rows = changes.get()?.rows ?? 0;
      grewBy(rows - changed);
      changed = rows;
    },
    grewBy,
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
