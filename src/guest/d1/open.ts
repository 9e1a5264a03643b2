import { constants, Database } from "bun:sqlite";

/**
 * Opens the database of a site. Over its disk quota the folder cannot be written: then it is opened for reading.
 *
 * Throws SQLiteError where neither works
 */
export function openDatabase(path: string): Database {
  try {
    const database = new Database(path, { create: true });
    for (const pragma of PRAGMAS) database.run(pragma);
    return database;
  } catch (error) {
    const readable = openReadable(path);
    if (!readable) throw error;
    return readable;
  }
}

const PRAGMAS = [
  "PRAGMA busy_timeout = 5000",
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = NORMAL",
  "PRAGMA foreign_keys = ON",
];

/** First with what the log of writes holds, then, where that needs files that cannot be made, without. */
function openReadable(path: string): Database | undefined {
  for (const name of [path, `file:${path}?immutable=1`]) {
    try {
      const database = new Database(
        name,
        constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
      );
      database.run("SELECT 1 FROM sqlite_master LIMIT 1");
      return database;
    } catch {
      // The next way, or none.
    }
  }
  return undefined;
}
