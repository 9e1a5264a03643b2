import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { flushUse } from "#accounts/last-used.ts";
import { loadConfig, type ServerConfig } from "#base/config.ts";
import { createHooks } from "#base/hooks.ts";
import { createLog } from "#base/log.ts";
import { openBlobs } from "#store/blobs.ts";
import type { Ctx } from "#store/ctx.ts";
import { openDb } from "#store/db.ts";
import { migrate } from "#store/migrate.ts";

/** A real data folder for one test. */
export type TestCtx = Ctx & {
  /** Lines that were logged so far. */
  logged: string[];
  /** Sets the clock forward. Only where no `now` was given. */
  pass: (ms: number) => void;
  close: () => Promise<void>;
};

/** Opens a fresh data folder with real SQLite and blobs. The clock stands at 2026-03-01T12:00Z until `pass` moves it. */
export async function testCtx(
  options: { now?: () => Date; config?: Partial<ServerConfig> } = {},
): Promise<TestCtx> {
  const data = await mkdtemp(join(tmpdir(), "land-test-"));
  let at = Date.UTC(2026, 2, 1, 12);
  const now = options.now ?? (() => new Date(at));
  const config = { ...loadConfig({ data, env: {}, flags: {} }), ...options.config };
  const logged: string[] = [];
  const log = createLog("info", (line) => void logged.push(line), now);
  const path = join(data, "land.db");
  migrate(path, now);
  const db = openDb(path);
  const ctx: Ctx = {
    config,
    db,
    blobs: await openBlobs(join(data, "blobs"), now),
    hooks: createHooks((event, cause) => log.error("hook failed", { hook: event, cause })),
    log,
    now,
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    publicUrl: () => config.publicUrl || `http://127.0.0.1:${config.port}`,
    secret: new Uint8Array(randomBytes(32)),
  };
  const test: TestCtx = {
    ...ctx,
    logged,
    pass: (ms) => void (at += ms),
    async close() {
      await flushUse(test);
      await db.close();
      await rm(data, { recursive: true, force: true });
    },
  };
  return test;
}
