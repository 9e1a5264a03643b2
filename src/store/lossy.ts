import type { SQLQueryBindings } from "bun:sqlite";

import { DrizzleQueryError } from "drizzle-orm";
import { drizzle, type SqliteRemoteDatabase } from "drizzle-orm/sqlite-proxy";

import { createAsking } from "./asking.ts";

/** The query builder of the thread's connection. Await its queries; rows of plain SQL are lists of values. */
export type LossyTx = SqliteRemoteDatabase;

/** A writer connection on a thread of its own: what is read from a slow disk to be changed there holds up nobody. */
export type LossyWriter = {
  /** Runs `work` in one transaction, which nobody waits for to be on disk. Answers how many rows it changed, too. */
  run: <T>(work: (tx: LossyTx) => Promise<T>) => Promise<{ result: T; rows: number }>;
  stop: () => Promise<void>;
};

/** What goes to the thread: a statement, or what becomes of the transaction. */
export type LossyQuestion =
  | { kind: "begin" | "commit" | "rollback" | "close" }
  | { kind: "run" | "all" | "values" | "get"; sql: string; params: SQLQueryBindings[] };
/** What comes back: rows as lists of values, and rows that were changed since the last answer to a commit. */
export type LossyAnswer = { rows: unknown[][]; changed: number };

/** Makes it; the thread starts at the first transaction. */
export function createLossyWriter(path: string): LossyWriter {
  const thread = createAsking<LossyQuestion, LossyAnswer>("src/store/lossy-worker.ts", path);
  let isStarted = false;
  const tx = drizzle(async (sql, params: SQLQueryBindings[], kind) => {
    const { rows } = await thread.ask({ kind, sql, params });
    // Of one row its values are asked for, or nothing where there is none.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's type has no word for that
    return { rows: kind === "get" ? (rows[0] as unknown[]) : rows };
  });
  return {
    async run(work) {
      isStarted = true;
      await thread.ask({ kind: "begin" });
      try {
        const result = await work(tx);
        const { changed } = await thread.ask({ kind: "commit" });
        return { result, rows: changed };
      } catch (error) {
        // Where the thread is gone its transaction is, too.
        await thread.ask({ kind: "rollback" }).catch(() => undefined);
        // The driver's own message holds the values: what programs logged, among others.
        throw error instanceof DrizzleQueryError ? (error.cause ?? error) : error;
      }
    },
    async stop() {
      if (isStarted) await thread.ask({ kind: "close" }).catch(() => undefined);
      thread.stop();
    },
  };
}
