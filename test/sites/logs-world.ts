import { sql } from "drizzle-orm";
import { Elysia } from "elysia";

import type { ServerConfig } from "#base/config.ts";
import { problems } from "#http/problems.ts";
import { type SiteLogs, startSiteLogs } from "#sites/logs/logs.ts";
import { trafficRoutes } from "#sites/logs/traffic-routes.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { makeToken, type Person, signUp } from "#test/support/people.ts";
import type { Visit } from "#traffic/visit.ts";

/** Two sites: `blog`, whose viewer is ada, and `shop`. `root` is admin. */
export type LogsWorld = AsyncDisposable & {
  ctx: TestCtx;
  logs: SiteLogs;
  people: Record<"root" | "ada", Person>;
  keyOf: (person: Person, ...scopes: string[]) => Promise<Person>;
  get: (path: string, as?: Person, more?: RequestInit) => Promise<Response>;
  /** Notes a request to a site and writes it. */
  request: (about?: Partial<Visit>) => void;
  lines: (siteId?: number) => Promise<string[]>;
};

export async function openLogsWorld(config: Partial<ServerConfig> = {}): Promise<LogsWorld> {
  const ctx = await testCtx({ config: { registration: "open", ...config } });
  const root = await signUp(ctx, "root");
  const ada = await signUp(ctx, "ada");
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      sql`INSERT INTO sites (id, name, created_at, updated_at) VALUES (1, 'blog', 0, 0), (2, 'shop', 0, 0)`,
    );
    await tx.run(
      sql`INSERT INTO site_members (site_id, user_id, role, added_at)
          VALUES (1, ${ada.actor.userId}, 'viewer', 0)`,
    );
  });
  const logs = startSiteLogs(ctx);
  const app = new Elysia().use(problems({ ctx })).use(trafficRoutes(ctx));
  return {
    ctx,
    logs,
    people: { root, ada },
    keyOf: (person, ...scopes) => makeToken(ctx, person, ...scopes),
    get: (path, as, more = {}) => {
      const headers = new Headers(more.headers);
      if (as) headers.set("authorization", `Bearer ${as.token}`);
      return Promise.resolve(
        app.fetch(new Request(`http://127.0.0.1:5263${path}`, { ...more, headers })),
      );
    },
    request: (about = {}) => logs.noteRequest({ ...VISIT, ...about }, "request-id"),
    async lines(siteId = 1) {
      const rows = await ctx.db.read.all<{ level: string; kind: string; message: string }>(
        sql`SELECT level, kind, message FROM site_logs WHERE site_id = ${siteId} ORDER BY id`,
      );
      return rows.map(({ level, kind, message }) => `${level} ${kind} ${message}`);
    },
    async [Symbol.asyncDispose]() {
      await logs.stop();
      await ctx.close();
    },
  };
}

const VISIT: Visit = {
  siteId: 1,
  method: "GET",
  path: "/",
  status: 200,
  bytes: 100,
  isPage: true,
  address: () => "203.0.113.7",
  userAgent: "Mozilla/5.0 Firefox/140.0",
  referrer: null,
  host: "blog.localhost",
};
