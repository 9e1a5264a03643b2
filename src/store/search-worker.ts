import type { Database } from "bun:sqlite";

import { answerQuestions } from "./asking.ts";
import { openReader } from "./connection.ts";
import type { SearchQuestion } from "./search.ts";

/** The thread behind `Db.search`: answers each query with its rows or the text of its error. */
answerQuestions(openReader, (database: Database, { sql, params }: SearchQuestion): unknown[] =>
  database.query(sql).all(...params),
);
