import { type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";

import type { Cursor } from "#http/page.ts";

/** The condition of the rows that follow `cursor` in a list ordered by time and id, newest first. */
export function olderThan(
  at: SQLiteColumn,
  id: SQLiteColumn,
  cursor: Cursor | undefined,
): SQL | undefined {
  if (!cursor) return undefined;
  const [time = 0, last = ""] = cursor;
  return sql`(${at}, ${id}) < (${Number(time)}, ${String(last)})`;
}

/** The order that goes with `olderThan`. */
export function newestFirst(at: SQLiteColumn, id: SQLiteColumn): SQL {
  return sql`${at} DESC, ${id} DESC`;
}
