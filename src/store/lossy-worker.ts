import type { Database } from "bun:sqlite";

import { answerQuestions } from "./asking.ts";
import { openWriter } from "./connection.ts";
import type { LossyAnswer, LossyQuestion } from "./lossy.ts";

/** The thread behind `Db.lossy`: a writer that leaves it to the next durable commit to wait for the disk. */
answerQuestions(open, answer);

function open(path: string): Database {
  const database = openWriter(path);
  database.run("PRAGMA synchronous = NORMAL");
  return database;
}

const NOTHING: LossyAnswer = { rows: [], changed: 0 };
const WORDS = { begin: "BEGIN IMMEDIATE", commit: "COMMIT", rollback: "ROLLBACK" } as const;
let changedBefore = 0;

function answer(database: Database, question: LossyQuestion): LossyAnswer {
  if ("sql" in question)
    return { rows: database.query(question.sql).values(...question.params), changed: 0 };
  const { kind } = question;
  if (kind === "close") database.close();
  // A commit that failed may have ended it already.
  else if (kind !== "rollback" || database.inTransaction) database.run(WORDS[kind]);
  return kind === "commit" ? { rows: [], changed: changedSince(database) } : NOTHING;
}

function changedSince(database: Database): number {
  const before = changedBefore;
  const [[now = 0] = []] = database.query("SELECT total_changes()").values();
  changedBefore = Number(now);
  return changedBefore - before;
}
