import type { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmod, readdir, stat } from "node:fs/promises";

import { openReader, openWriter } from "#store/connection.ts";
import { type TemporaryFolder, temporaryFolder } from "#test/support/land.ts";

let folder: TemporaryFolder;
let writer: Database;
let reader: Database;
beforeEach(async () => {
  folder = await temporaryFolder("connection");
  writer = openWriter(`${folder.path}/land.db`);
  reader = openReader(`${folder.path}/land.db`);
});
afterEach(async () => {
  reader.close();
  writer.close();
  await folder[Symbol.asyncDispose]();
});

const pragma = (database: Database, name: string): unknown =>
  database.query(`PRAGMA ${name}`).values()[0]?.[0];

test("the writer keeps what it acknowledged through power loss, beside readers", () => {
  expect(pragma(writer, "journal_mode")).toBe("wal");
  // 2 is FULL: a commit returns after its fsync.
  expect(pragma(writer, "synchronous")).toBe(2);
});

test("both wait for another process that holds the file", () => {
  expect(pragma(writer, "busy_timeout")).toBe(5000);
  expect(pragma(reader, "busy_timeout")).toBe(5000);
});

test("a row cannot name one that is not there", () => {
  writer.run("CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT");
  writer.run("CREATE TABLE b (a INTEGER NOT NULL REFERENCES a (id)) STRICT");
  expect(() => writer.run("INSERT INTO b VALUES (1)")).toThrow("FOREIGN KEY constraint failed");
});

test("a reader cannot write", () => {
  expect(() => reader.run("CREATE TABLE a (id INTEGER) STRICT")).toThrow("readonly database");
});

test("its files are for their owner alone, whatever the folder is", async () => {
  await chmod(folder.path, 0o755);
  writer.run("CREATE TABLE things (id INTEGER PRIMARY KEY) STRICT");
  for (const name of await readdir(folder.path))
    expect([name, (await stat(`${folder.path}/${name}`)).mode & 0o777]).toEqual([name, 0o600]);
  expect((await stat(folder.path)).mode & 0o777).toBe(0o755);
});
