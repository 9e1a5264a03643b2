import { type Database, SQLiteError, type SQLQueryBindings, type Statement } from "bun:sqlite";

import { openDatabase } from "./open.ts";
import { isTransactionControl, splitStatements } from "./statements.ts";
import { fromSql, toD1Error } from "./values.ts";

/** What one statement came to. */
export type Ran = {
  columns: readonly string[];
  rows: readonly unknown[][];
  meta: Meta;
};
/** What D1 tells of it, as far as it is known here. */
export type Meta = {
  served_by: string;
  duration: number;
  changes: number;
  last_row_id: number;
  changed_db: boolean;
  size_after: number;
  rows_read: number;
  rows_written: number;
};

/** The site's database, opened at its first use. All of it is synchronous. */
export type SqlRunner = {
  run: (sql: string, parameters: readonly SQLQueryBindings[]) => Ran;
  /** All or nothing. */
  together: <T>(work: () => T) => T;
  /** Runs every statement of a text; tells how many there were. */
  exec: (sql: string) => number;
};

/** Statements that are kept compiled. */
const MAX_STATEMENTS = 100;

/** Runs SQL on the file at `path`. */
export function createRunner(path: string): SqlRunner {
  let opened: Database | undefined;
  const database = (): Database => (opened ??= openDatabase(path));
  const prepare = createPreparing(database);
  function counters(): { total: number; changes: number; lastRow: number; pages: number } {
    const [row] = (counting ??= database().prepare(COUNTERS)).values();
    const [total = 0, changes = 0, lastRow = 0, pages = 0] = (row ?? []).map(Number);
    return { total, changes, lastRow, pages };
  }
  let counting: Statement | undefined;
  let totalBefore = 0;

  function run(sql: string, parameters: readonly SQLQueryBindings[]): Ran {
    const start = performance.now();
    const statement = prepare(sql);
    if (statement.paramsCount !== parameters.length)
      throw new Error("D1_ERROR: Wrong number of parameter bindings for SQL query.");
    const rows: unknown[][] = statement.values(...parameters) ?? [];
    const columns = statement.columnNames;
    const { total, changes, lastRow, pages } = counters();
    const changed = total !== totalBefore;
    totalBefore = total;
    const meta = {
      served_by: "land",
      duration: performance.now() - start,
      changes: changed ? changes : 0,
      last_row_id: lastRow,
      changed_db: changed,
      size_after: pages,
      rows_read: rows.length,
      rows_written: changed ? changes : 0,
    };
    return { columns, rows: rows.map((row) => row.map(fromSql)), meta };
  }
  return {
    run: (sql, parameters) => worded(() => run(sql, parameters)),
    together: (work) => worded(() => database().transaction(work)()),
    exec(sql) {
      try {
        return execute(database, sql);
      } finally {
        // What these changed is not the next statement's.
        totalBefore = counters().total;
      }
    },
  };
}

/** Prepares statements and keeps those that were used last. */
function createPreparing(database: () => Database): (sql: string) => Statement {
  const statements = new Map<string, Statement>();
  return (sql) => {
    const kept = statements.get(sql);
    if (kept) {
      statements.delete(sql);
      statements.set(sql, kept);
      return kept;
    }
    checkSingle(sql);
    const made = database().prepare(sql);
    statements.set(sql, made);
    const [oldest] = statements.keys();
    if (statements.size > MAX_STATEMENTS && oldest !== undefined) {
      statements.get(oldest)?.finalize();
      statements.delete(oldest);
    }
    return made;
  };
}

const COUNTERS =
  "SELECT total_changes(), changes(), last_insert_rowid(), (SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size())";

/** Throws Error where it is none, several, or begins a transaction that other requests would run in */
function checkSingle(sql: string): void {
  const count = splitStatements(sql).length;
  if (count === 0) throw new Error("D1_ERROR: No SQL statements detected.");
  if (count > 1)
    throw new Error("D1_ERROR: A prepared SQL statement must contain only one statement.");
  if (isTransactionControl(sql))
    throw new Error("D1_ERROR: Transactions are made with batch(), which is all or nothing.");
}

function execute(database: () => Database, sql: string): number {
  const statements = splitStatements(sql);
  const open = worded(database, "D1_EXEC_ERROR");
  try {
    for (const [index, statement] of statements.entries()) {
      try {
        open.run(statement);
      } catch (error) {
        const { message } = toD1Error(error);
        throw new Error(
          message.replace(/^D1_ERROR/, `D1_EXEC_ERROR: Error in statement ${index + 1}`),
          {
            cause: error,
          },
        );
      }
    }
  } finally {
    // One that was not ended would take in what other requests write.
    if (open.inTransaction) open.run("ROLLBACK");
  }
  return statements.length;
}

function worded<T>(work: () => T, kind?: string): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof SQLiteError || !(error instanceof Error)
      ? toD1Error(error, kind)
      : error;
  }
}
