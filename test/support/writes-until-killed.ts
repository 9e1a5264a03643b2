import { sql } from "drizzle-orm";

import { openDb } from "#store/db.ts";

/** Inserts rows into the database named by the first argument and tells each one that is committed, until it is killed. */
const db = openDb(process.argv[2] ?? "");
for (let n = 0; ; n += 1) {
  await db.transaction(async (tx) => {
    await tx.run(sql`INSERT INTO t (v) VALUES (${`row ${n}`})`);
  });
  process.stdout.write(`${n}\n`);
  await new Promise((resolve) => setImmediate(resolve));
}
