import { Database } from "bun:sqlite";

/** Milliseconds a connection waits for another process (a backup, a shell) that holds the file. */
const BUSY_TIMEOUT_MS = 5000;

/** Opens a connection with the settings that every writer of the file needs. `synchronous=FULL` is what survives power loss. */
export function openWriter(path: string): Database {
  const writer = new Database(path, { create: true, strict: true });
  writer.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  writer.run("PRAGMA journal_mode = WAL");
  writer.run("PRAGMA synchronous = FULL");
  writer.run("PRAGMA foreign_keys = ON");
  writer.run("PRAGMA cache_size = -16000");
  return writer;
}

/** Opens a connection that can only read. */
export function openReader(path: string): Database {
  const reader = new Database(path, { readonly: true, strict: true });
  reader.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  reader.run("PRAGMA cache_size = -16000");
  reader.run("PRAGMA mmap_size = 268435456");
  return reader;
}
