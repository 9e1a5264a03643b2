import type { Database } from "bun:sqlite";

import { openReader } from "./connection.ts";
import type { SearchReply, SearchRequest } from "./search.ts";

/** The thread behind `Db.search`: answers each query with its rows or the text of its error. */
declare const self: Worker;
let database: Database | undefined;

self.addEventListener("message", ({ data }: MessageEvent<SearchRequest>) => {
  if ("path" in data) {
    database = openReader(data.path);
    return;
  }
  self.postMessage(answer(data.id, () => database?.query(data.sql).all(...data.params) ?? []));
});

function answer(id: number, rows: () => unknown[]): SearchReply {
  try {
    return { id, rows: rows() };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}
