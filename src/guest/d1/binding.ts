import type { SQLQueryBindings } from "bun:sqlite";

import { createRunner, type Meta, type Ran, type SqlRunner } from "./database.ts";
import { toSql } from "./values.ts";

/** `env.DB`: the interface of D1 over the SQLite file at `path`. */
export function createD1(path: string): object {
  const runner = createRunner(path);
  const prepare = (sql: unknown): Prepared => createStatement(runner, String(sql), []);
  const batch = async (given: unknown): Promise<D1Result[]> => {
    const statements = Array.isArray(given) ? given.map(runOf) : [];
    return runner.together(() => statements.map((run) => toResult(run())));
  };
  return {
    prepare,
    batch,
    async exec(sql: unknown) {
      const start = performance.now();
      const count = runner.exec(String(sql));
      return { count, duration: performance.now() - start };
    },
    /** Every read sees every write before it, so a session has nothing to add. */
    withSession: () => ({ prepare, batch, getBookmark: () => null }),
  };
}

type D1Result = { success: true; meta: Meta; results: Record<string, unknown>[] };

type Prepared = {
  bind: (...values: unknown[]) => Prepared;
  first: (column?: string) => Promise<unknown>;
  all: () => Promise<D1Result>;
  run: () => Promise<D1Result>;
  raw: (options?: { columnNames?: boolean }) => Promise<unknown[][]>;
};

/** What runs a statement; only those of this database are here. */
const runs = new WeakMap<object, () => Ran>();

function runOf(statement: unknown): () => Ran {
  const run = typeof statement === "object" && statement !== null && runs.get(statement);
  if (!run) throw new TypeError("D1_ERROR: batch() takes statements of prepare()");
  return run;
}

function createStatement(
  runner: SqlRunner,
  sql: string,
  parameters: readonly SQLQueryBindings[],
): Prepared {
  const run = (): Ran => runner.run(sql, parameters);
  const all = async (): Promise<D1Result> => toResult(run());
  const statement: Prepared = {
    bind: (...values) => createStatement(runner, sql, values.map(toSql)),
    async first(column) {
      const [row] = toResult(run()).results;
      if (!row) return null;
      if (column === undefined || column === null) return row;
      if (!Object.hasOwn(row, column))
        throw new Error(`D1_COLUMN_NOTFOUND: Column not found (${column})`, {
          cause: new Error("Column not found"),
        });
      return row[column];
    },
    all,
    run: all,
    async raw(options) {
      const { columns, rows } = run();
      return options?.columnNames === true ? [[...columns], ...rows] : [...rows];
    },
  };
  runs.set(statement, run);
  return statement;
}

function toResult({ columns, rows, meta }: Ran): D1Result {
  const results = rows.map((row) =>
    Object.fromEntries(columns.map((name, index) => [name, row[index]])),
  );
  return { success: true, meta, results };
}
