import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startGuest } from "#test/support/guest-host.ts";

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "land-d1-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function run(cwd: string, body: string): Promise<unknown> {
  await using guest = await startGuest(
    `export default { async fetch(request, { DB }) {
       const failure = async (work) => { try { await work(); return "none" } catch (e) { return e.message } };
       return Response.json(await (async () => { ${body} })() ?? null);
     } }`,
    { database: true, cwd },
  );
  return JSON.parse(await guest.text("/"));
}

const SCHEMA = `await DB.exec("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE, active INTEGER, photo BLOB);\\nCREATE INDEX by_name ON users (name)");`;

test("statements, parameters and results as D1 has them", () =>
  inFolder(async (folder) => {
    const answer = await run(
      folder,
      `${SCHEMA}
      const insert = DB.prepare("INSERT INTO users (name, active, photo) VALUES (?, ?2, ?3)");
      const made = await insert.bind("ada", true, new Uint8Array([1, 255])).run();
      await insert.bind("bob", false, [7, 8]).run(); await insert.bind("eve", null, null).run();
      const all = DB.prepare("SELECT * FROM users WHERE id <= ? ORDER BY id").bind(2);
      const changed = await DB.prepare("UPDATE users SET active = 1").run();
      const returned = await DB.prepare("INSERT INTO users (name) VALUES ('joe') RETURNING id, name").all();
      return [made, await all.all(), await all.first(), await all.first("name"), await all.raw(), await all.raw({ columnNames: true }),
        await DB.prepare("SELECT 1 WHERE 0").first(), changed.meta.changes, returned.results, returned.meta.changes,
        (await DB.prepare("SELECT count(*) AS n FROM users").first("n")), (await DB.withSession("first-primary").prepare("SELECT 2 AS two").first()).two];`,
    );
    const meta = (over: object) => ({
      served_by: "land",
      duration: expect.any(Number),
      changes: 0,
      last_row_id: expect.any(Number),
      changed_db: false,
      size_after: expect.any(Number),
      rows_read: 0,
      rows_written: 0,
      ...over,
    });
    const ada = { id: 1, name: "ada", active: 1, photo: [1, 255] };
    const bob = { id: 2, name: "bob", active: 1, photo: [7, 8] };
    expect(answer).toEqual([
      {
        success: true,
        meta: meta({ changes: 1, last_row_id: 1, changed_db: true, rows_written: 1 }),
        results: [],
      },
      { success: true, meta: meta({ rows_read: 2 }), results: [ada, bob] },
      ada,
      "ada",
      [Object.values(ada), Object.values(bob)],
      [["id", "name", "active", "photo"], Object.values(ada), Object.values(bob)],
      null,
      3,
      [{ id: 4, name: "joe" }],
      1,
      4,
      2,
    ]);
    using database = new Database(join(folder, "data.db"), { readonly: true });
    expect(database.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  }));

test("a batch is all or nothing, and errors are worded as D1 does", () =>
  inFolder(async (folder) => {
    const answer = await run(
      folder,
      `${SCHEMA}
      const insert = DB.prepare("INSERT INTO users (name) VALUES (?)");
      const good = await DB.batch([insert.bind("a"), insert.bind("b"), DB.prepare("SELECT name FROM users")]);
      const errors = [
        await failure(() => DB.batch([insert.bind("c"), insert.bind("a")])),
        await failure(() => DB.prepare("SELECT * FROM nowhere").all()), await failure(() => DB.prepare("SELEC").all()),
        await failure(() => insert.bind()?.run()), await failure(() => insert.bind(undefined)), await failure(() => insert.bind(1n)),
        await failure(() => DB.prepare("SELECT name FROM users").first("nope")), await failure(() => DB.prepare("SELECT 1; SELECT 2").all()),
        await failure(() => DB.prepare("BEGIN").run()), await failure(() => DB.prepare(" -- nothing").run()),
        await failure(() => DB.exec("CREATE TABLE t (a); NONSENSE")), await failure(() => DB.exec("BEGIN; CREATE TABLE u (a)")),
        await failure(() => DB.prepare("SELECT * FROM u").all()), await failure(() => DB.batch(["SELECT 1"])),
      ];
      await DB.exec("PRAGMA max_page_count = 1");
      const full = await failure(() => DB.prepare("CREATE TABLE much AS SELECT hex(zeroblob(100000))").run());
      await DB.exec("PRAGMA max_page_count = 1000000");
      const trigger = await DB.exec("CREATE TRIGGER tr AFTER INSERT ON users BEGIN UPDATE users SET active = 9; SELECT 1; END; -- done; \\nINSERT INTO users (name) VALUES ('x;y')");
      const after = (await DB.prepare("SELECT 1").all()).meta.changed_db;
      return [good.map((each) => each.results), [...errors, full], trigger.count, after, (await DB.prepare("SELECT name, active FROM users").raw())];`,
    );
    expect(answer).toEqual([
      [[], [], [{ name: "a" }, { name: "b" }]],
      [
        "D1_ERROR: UNIQUE constraint failed: users.name: SQLITE_CONSTRAINT",
        "D1_ERROR: no such table: nowhere: SQLITE_ERROR",
        'D1_ERROR: near "SELEC": syntax error: SQLITE_ERROR',
        "D1_ERROR: Wrong number of parameter bindings for SQL query.",
        "D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'",
        "D1_TYPE_ERROR: Type 'bigint' not supported for value '1'",
        "D1_COLUMN_NOTFOUND: Column not found (nope)",
        "D1_ERROR: A prepared SQL statement must contain only one statement.",
        "D1_ERROR: Transactions are made with batch(), which is all or nothing.",
        "D1_ERROR: No SQL statements detected.",
        'D1_EXEC_ERROR: Error in statement 2: near "NONSENSE": syntax error: SQLITE_ERROR',
        "none",
        "D1_ERROR: no such table: u: SQLITE_ERROR",
        "D1_ERROR: batch() takes statements of prepare()",
        "D1_ERROR: database or disk is full (is the disk quota of the site used up?): SQLITE_FULL",
      ],
      2,
      false,
      [
        ["a", 9],
        ["b", 9],
        ["x;y", 9],
      ],
    ]);
  }));

test("what was written is there for the next process, and many statements can be used", () =>
  inFolder(async (folder) => {
    await run(
      folder,
      `${SCHEMA} await DB.prepare("INSERT INTO users (name) VALUES ('kept')").run();`,
    );
    expect(
      await run(
        folder,
        `for (let i = 0; i < 250; i++) await DB.prepare("SELECT " + i).first();
         return DB.prepare("SELECT name FROM users").first("name");`,
      ),
    ).toBe("kept");
  }));

test("without a database there is no DB", async () => {
  await using guest = await startGuest(
    `export default { fetch: (request, env) => new Response(typeof env.DB) }`,
  );
  expect(await guest.text("/")).toBe("undefined");
});
