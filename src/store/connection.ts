import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";

/** Milliseconds a connection waits for another process (a backup, a shell) that holds the file. */
const BUSY_TIMEOUT_MS = 5000;
/**
 * 4 MB a connection: what it lacks comes from the system's memory within a microsecond. Mapping the file instead is no faster here, and
 * counts all of it as memory of this process.
 */
const CACHE = "PRAGMA cache_size = -4000";

/** Opens a connection, to a new file for its owner alone where there is none, with the settings that every writer of the file needs. `synchronous=FULL` is what survives power loss. */
export function openWriter(path: string): Database {
  // SQLite gives its other files the mode of this one: secrets of sites and hashes of passwords are in all of them.
  closeSync(openSync(path, "a", 0o600));
  const writer = new Database(path, { create: true, strict: true });
  writer.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  writer.run("PRAGMA journal_mode = WAL");
  writer.run("PRAGMA synchronous = FULL");
  writer.run("PRAGMA foreign_keys = ON");
  writer.run(CACHE);
  return writer;
}

/** Opens a connection that can only read. */
export function openReader(path: string): Database {
  const reader = new Database(path, { readonly: true, strict: true });
  reader.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  reader.run(CACHE);
  return reader;
}
