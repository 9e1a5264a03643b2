import type { SQLQueryBindings } from "bun:sqlite";

import { spawnWorker } from "#base/worker.ts";

/** A reader connection on a thread of its own. */
export type SearchWorker = {
  query: <Row>(sql: string, params: readonly SQLQueryBindings[]) => Promise<Row[]>;
  stop: () => void;
};

/** What goes to the worker. The first message carries the path. */
export type SearchRequest =
  { path: string } | { id: number; sql: string; params: readonly SQLQueryBindings[] };
/** What comes back. */
export type SearchReply = { id: number; rows: unknown[] } | { id: number; error: string };

type Waiting = { resolve: (rows: never) => void; reject: (error: Error) => void };

/** Starts the thread; it ends with `stop` and does not keep the process alive. A thread that dies is replaced at the next query. */
export function startSearchWorker(path: string): SearchWorker {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let lastId = 0;

  function start(): Worker {
    const started = spawnWorker("src/store/search-worker.ts");
    started.addEventListener("message", ({ data }: MessageEvent<SearchReply>) => {
      const waiter = waiting.get(data.id);
      waiting.delete(data.id);
      if (waiting.size === 0) started.unref();
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows are what the caller of `query` says
      if ("rows" in data) waiter?.resolve(data.rows as never);
      else waiter?.reject(new Error(data.error));
    });
    started.addEventListener("error", ({ message }) => {
      worker = undefined;
      for (const waiter of waiting.values())
        waiter.reject(new Error(`search worker died: ${message}`));
      waiting.clear();
    });
    started.postMessage({ path } satisfies SearchRequest);
    return started;
  }

  return {
    query: (sql, params) =>
      new Promise((resolve, reject) => {
        worker ??= start();
        // An answer must arrive even where nothing else keeps the process alive.
        worker.ref();
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        worker.postMessage({ id: lastId, sql, params } satisfies SearchRequest);
      }),
    stop() {
      worker?.terminate();
      for (const waiter of waiting.values()) waiter.reject(new Error("the database is closed"));
      waiting.clear();
    },
  };
}
