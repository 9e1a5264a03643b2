import type { Database } from "bun:sqlite";

import { fail } from "#base/errors.ts";

import { openWriter } from "./connection.ts";
import accounts from "./migrations/0001_accounts.sql" with { type: "text" };
import registry from "./migrations/0002_registry.sql" with { type: "text" };
import sites from "./migrations/0003_sites.sql" with { type: "text" };
import traffic from "./migrations/0004_traffic.sql" with { type: "text" };
import tls from "./migrations/0005_tls.sql" with { type: "text" };
import functions from "./migrations/0006_functions.sql" with { type: "text" };

/** A numbered step of the schema. What is released is never edited: its checksum is compared. */
export type Migration = { id: number; name: string; sql: string };

/** All steps, in order. */
const MIGRATIONS: readonly Migration[] = [
  { id: 1, name: "accounts", sql: accounts },
  { id: 2, name: "registry", sql: registry },
  { id: 3, name: "sites", sql: sites },
  { id: 4, name: "traffic", sql: traffic },
  { id: 5, name: "tls", sql: tls },
  { id: 6, name: "functions", sql: functions },
];

type Applied = { id: number; name: string; checksum: string };

/**
 * Brings the file at `path` to the newest schema, each step in a transaction of its own. The caller holds the data
 * folder's lock, so nobody else migrates.
 *
 * @throws data_newer where a newer `land` wrote the file, or a step that ran was changed since
 */
export function migrate(path: string, now: () => Date, steps = MIGRATIONS): void {
  const database = openWriter(path);
  try {
    database.run(
      "CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
    );
    const applied = new Map(
      database
        .query<Applied, []>("SELECT id, name, checksum FROM migrations")
        .all()
        .map((row) => [row.id, row]),
    );
    refuseForeign(path, applied, steps);
    for (const step of steps) if (!applied.has(step.id)) apply(database, step, now());
  } finally {
    database.close();
  }
}

function apply(database: Database, step: Migration, at: Date): void {
  database.run("BEGIN IMMEDIATE");
  try {
    database.run(step.sql);
    database
      .query("INSERT INTO migrations (id, name, checksum, applied_at) VALUES (?, ?, ?, ?)")
      .run(step.id, step.name, checksumOf(step), at.getTime());
    database.run("COMMIT");
  } catch (error) {
    if (database.inTransaction) database.run("ROLLBACK");
    throw error;
  }
}

function refuseForeign(
  path: string,
  applied: ReadonlyMap<number, Applied>,
  steps: readonly Migration[],
): void {
  const known = new Map(steps.map((step) => [step.id, step]));
  for (const { id, name, checksum } of applied.values()) {
    const step = known.get(id);
    if (!step)
      throw fail("data_newer", {
        path,
        problem: `it holds migration ${id} ("${name}"), which this land does not know`,
      });
    if (checksumOf(step) !== checksum)
      throw fail("data_newer", {
        path,
        problem: `its migration ${id} ("${name}") is not the one of this land`,
      });
  }
}

function checksumOf(step: Migration): string {
  return new Bun.CryptoHasher("sha256").update(step.sql).digest("hex");
}
