import type { SQLQueryBindings } from "bun:sqlite";

import { createAsking } from "./asking.ts";

/** A reader connection on a thread of its own. */
export type SearchWorker = {
  query: <Row>(sql: string, params: readonly SQLQueryBindings[]) => Promise<Row[]>;
  stop: () => void;
};

/** What goes to the thread. */
export type SearchQuestion = { sql: string; params: readonly SQLQueryBindings[] };

/** Makes it; the thread starts at the first query, and ends with `stop`. */
export function startSearchWorker(path: string): SearchWorker {
  const thread = createAsking<SearchQuestion, unknown[]>("src/store/search-worker.ts", path);
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows are what the caller of `query` says
    query: async (sql, params) => (await thread.ask({ sql, params })) as never,
    stop: thread.stop,
  };
}
