import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sql } from "drizzle-orm";

import { LandError } from "#base/errors.ts";
import { openWriter } from "#store/connection.ts";
import { type Db, openDb } from "#store/db.ts";
import { migrate } from "#store/migrate.ts";

let folder: string;
let path: string;
let db: Db;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "land-db-"));
  path = join(folder, "land.db");
  const setup = openWriter(path);
  setup.run("CREATE TABLE t (v TEXT UNIQUE) STRICT");
  setup.close();
  db = openDb(path);
});
afterEach(async () => {
  await db.close();
  await rm(folder, { recursive: true, force: true });
});

const insert = (v: string) =>
  db.transaction(async (tx) => {
    await tx.run(sql`INSERT INTO t (v) VALUES (${v})`);
  });
const all = async (): Promise<string[]> =>
  (await db.read.all<{ v: string }>(sql`SELECT v FROM t ORDER BY rowid`)).map(({ v }) => v);

test("a transaction that throws after an await leaves nothing, and nobody saw it meanwhile", async () => {
  const { promise: inserted, resolve: tellInserted } = Promise.withResolvers<void>();
  const { promise: proceed, resolve: letProceed } = Promise.withResolvers<void>();
  const failing = db
    .transaction(async (tx) => {
      await tx.run(sql`INSERT INTO t (v) VALUES ('inside')`);
      expect(await all()).toEqual(["inside"]);
      tellInserted();
      await proceed;
      throw new Error("no");
    })
    .catch((error: Error) => error.message);
  await inserted;
  expect(await all()).toEqual([]);
  const after = insert("after");
  letProceed();
  expect(await failing).toBe("no");
  await after;
  expect(await all()).toEqual(["after"]);
});

test("a nested transaction is a savepoint of its own", async () => {
  await db.transaction(async (tx) => {
    await tx.run(sql`INSERT INTO t (v) VALUES ('outer')`);
    await db
      .transaction(async (inner) => {
        await inner.run(sql`INSERT INTO t (v) VALUES ('inner')`);
        throw new Error("inner fails");
      })
      .catch(() => undefined);
    await insert("second");
  });
  expect(await all()).toEqual(["outer", "second"]);
});

test("a lossy transaction waits for no sync, the others do; what it wrote is there for all", async () => {
  const [NORMAL, FULL] = [1, 2];
  const query = sql`PRAGMA synchronous`;
  expect(await db.lossy(async (tx) => tx.all(query))).toEqual([[NORMAL]]);
  expect(await db.transaction(async (tx) => tx.all(query))).toEqual([{ synchronous: FULL }]);
  await db.lossy(async (tx) => {
    await tx.run(sql`INSERT INTO t (v) VALUES ('seen')`);
    expect(await all()).toEqual([]);
  });
  expect(await all()).toEqual(["seen"]);
});

test("a lossy transaction that fails leaves nothing, and the next ones work", async () => {
  const failing = db.lossy(async (tx) => {
    await tx.run(sql`INSERT INTO t (v) VALUES ('gone')`);
    throw new Error("no");
  });
  expect(await failing.catch((error: Error) => error.message)).toBe("no");
  const wrong = db.lossy(async (tx) => tx.run(sql`INSERT INTO nowhere VALUES (${"secret"})`));
  expect(await wrong.then(String, String)).toBe("Error: no such table: nowhere");
  await insert("first");
  await db.lossy(async (tx) => tx.run(sql`INSERT INTO t (v) VALUES ('second')`));
  expect(await all()).toEqual(["first", "second"]);
});

test("lossy transactions take turns with the others, and none is inside another", async () => {
  const order: string[] = [];
  const noting = (name: string) => async (): Promise<void> => {
    order.push(`${name} begins`);
    await Promise.resolve();
    order.push(`${name} ends`);
  };
  await Promise.all([
    db.transaction(noting("a")),
    db.lossy(noting("b")),
    db.transaction(noting("c")),
    db.lossy(noting("d")),
  ]);
  expect(order).toEqual(["a", "b", "c", "d"].flatMap((name) => [`${name} begins`, `${name} ends`]));
  const nested = [
    db.lossy(async () => db.transaction(async () => 1)),
    db.lossy(async () => db.lossy(async () => 1)),
    db.transaction(async () => db.lossy(async () => 1)),
  ].map((work) => work.then(String, String));
  for (const told of await Promise.all(nested)) expect(told).toContain("transaction");
});

test("two hundred of both kinds at once all stay, also after it is closed and opened", async () => {
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) =>
      i % 2 === 0
        ? insert(`n${i}`)
        : db.lossy(async (tx) => tx.run(sql`INSERT INTO t (v) VALUES (${`n${i}`})`)),
    ),
  );
  await db.close();
  expect(Bun.file(`${path}-wal`).size).toBe(0);
  db = openDb(path);
  expect(await all()).toHaveLength(200);
});

test("200 transactions at once all stay", async () => {
  await Promise.all(Array.from({ length: 200 }, (_, i) => insert(`n${i}`)));
  expect(await all()).toHaveLength(200);
});

test("what a transaction left running is outside once it ended", async () => {
  const { promise: ended, resolve: tellEnded } = Promise.withResolvers<void>();
  let late: Promise<void> | undefined;
  await db.transaction(async () => {
    late = ended.then(() => insert("late"));
  });
  tellEnded();
  await late;
  expect(await all()).toEqual(["late"]);
});

test("a failed statement fails its transaction and the next one works", async () => {
  await insert("x");
  await expect(insert("x")).rejects.toThrow();
  await insert("y");
  expect(await all()).toEqual(["x", "y"]);
});

test("a search runs on committed data, on another thread, with its errors told", async () => {
  await insert("found");
  expect(await db.search<{ v: string }>("SELECT v FROM t WHERE v = ?", ["found"])).toEqual([
    { v: "found" },
  ]);
  // Not `.rejects`: it waits without letting Workers speak.
  const message = await db.search("SELECT v FROM nowhere", []).catch(String);
  expect(message).toContain("nowhere");
});

test("an acknowledged transaction is there after kill -9", async () => {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../support/writes-until-killed.ts"), path],
    { stdout: "pipe", stderr: "inherit" },
  );
  let acknowledged = 0;
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  while (acknowledged < 50) {
    const { value, done } = await reader.read();
    if (done) break;
    acknowledged += decoder.decode(value).split("\n").length - 1;
  }
  child.kill("SIGKILL");
  await child.exited;
  const rows = new Database(path, { readonly: true })
    .query<{ n: number }, []>("SELECT count(*) AS n FROM t")
    .get();
  expect(acknowledged).toBeGreaterThanOrEqual(50);
  expect(rows?.n).toBeGreaterThanOrEqual(acknowledged);
});

const now = () => new Date(0);
const steps = [
  {
    id: 1,
    name: "one",
    sql: "CREATE TABLE one (a TEXT) STRICT; CREATE TABLE two (b TEXT) STRICT;",
  },
  { id: 2, name: "bad", sql: "CREATE TABLE three (c TEXT) STRICT; SELECT broken FROM nowhere;" },
];

test("a migration that fails leaves the steps before it, and none of itself", async () => {
  const file = join(folder, "m.db");
  expect(() => migrate(file, now, steps)).toThrow();
  const tables = new Database(file, { readonly: true })
    .query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
    )
    .all();
  expect(tables.map(({ name }) => name)).toEqual(["migrations", "one", "two"]);
});

test("a database of a newer land and an edited migration are refused unchanged", () => {
  const file = join(folder, "m.db");
  migrate(file, now, steps.slice(0, 1));
  migrate(file, now, steps.slice(0, 1));
  const codeOf = (run: () => void): string | undefined => {
    try {
      run();
      return undefined;
    } catch (error) {
      return error instanceof LandError ? error.code : String(error);
    }
  };
  expect(codeOf(() => migrate(file, now, []))).toBe("data_newer");
  expect(codeOf(() => migrate(file, now, [{ id: 1, name: "one", sql: "SELECT 1" }]))).toBe(
    "data_newer",
  );
});

test("the log is copied back into the file while the database stays open, and all of it can be read", async () => {
  const before = Bun.file(path).size;
  const text = "x".repeat(900);
  const deadline = performance.now() + 60_000;
  let written = 0;
  // Each commit tells of more than it writes; the thread is asked once that comes to 4 MB.
  while ((await Bun.file(path).stat()).size === before && performance.now() < deadline) {
    const first = written;
    await db.lossy(async (tx) => {
      for (; written < first + 100; written += 1)
        await tx.run(sql`INSERT INTO t (v) VALUES (${`${written} ${text}`})`);
    });
  }
  expect((await Bun.file(path).stat()).size).toBeGreaterThan(before);
  expect(await all()).toHaveLength(written);
  await db.close();
  expect(Bun.file(`${path}-wal`).size).toBe(0);
  db = openDb(path);
  expect(await all()).toHaveLength(written);
}, 90_000);
