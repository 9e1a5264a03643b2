import { Elysia } from "elysia";

import { accountRoutes } from "#accounts/routes.ts";
import type { ServerConfig } from "#base/config.ts";
import { fail } from "#base/errors.ts";
import { problems } from "#http/problems.ts";
import { createRateLimiter } from "#http/rate.ts";
import { createKv, type Kv } from "#runtime/kv/kv.ts";
import { functionRoutes } from "#runtime/routes.ts";
import type { Runtime } from "#runtime/runtime.ts";
import { quotasOf } from "#runtime/status/quotas.ts";
import { createHandler } from "#server/handle.ts";
import { UPGRADED } from "#sites/serving/program.ts";
import { putMember } from "#sites/site/members.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { type TestCtx, testCtx } from "#test/support/ctx.ts";
import { type Person, signUp } from "#test/support/people.ts";
import { accountPages } from "#web/account-pages.tsx";
import { pageOfError } from "#web/pages.tsx";
import { envPages } from "#web/site-env.tsx";
import { kvPages } from "#web/site-kv-pages.ts";

/** A server with the routes and pages of stores and variables: the sites `blog` of ada, where dev is developer and vic viewer, and `shop` of bob. */
export type DataWorld = AsyncDisposable & {
  ctx: TestCtx;
  kv: Kv;
  ada: Person;
  bob: Person;
  dev: Person;
  vic: Person;
  /** Where it listens. */
  url: string;
  /** Asks the API as somebody. */
  ask: (
    method: string,
    path: string,
    as: Person | undefined,
    more?: { body?: string | Uint8Array; headers?: Record<string, string> },
  ) => Promise<Response>;
};

/** Opens it. Ids: blog is 1, shop is 2. */
export async function openDataWorld(config: Partial<ServerConfig> = {}): Promise<DataWorld> {
  const ctx = await testCtx({ config: { registration: "open", ...config } });
  await signUp(ctx, "root");
  const [ada, bob] = [await signUp(ctx, "ada"), await signUp(ctx, "bob")];
  const [dev, vic] = [await signUp(ctx, "dev"), await signUp(ctx, "vic")];
  await createSite(ctx, ada.actor, { name: "blog" });
  await createSite(ctx, bob.actor, { name: "shop" });
  await putMember(ctx, ada.actor, { site: "blog", user: "dev" }, "developer");
  await putMember(ctx, ada.actor, { site: "blog", user: "vic" }, "viewer");
  const kv = createKv(ctx);
  const runtime: Runtime = {
    problem: () => "this server has stores and variables alone",
    sandboxed: true,
    kv,
    crons: { runNow: (_, cron) => Promise.reject(fail("cron_not_found", cron)) },
    quotasOf: (siteId) => quotasOf(ctx, siteId),
    startProgram: () => Promise.resolve(),
    programProblem: () => Promise.resolve(undefined),
    processesOf: () => [],
    databaseBytes: () => Promise.resolve(0),
    removeDatabase: () => Promise.resolve(),
    socketCount: () => 0,
  };
  const app = new Elysia({ normalize: false })
    .use(problems({ ctx, page: (error, request) => pageOfError(ctx, error, request) }))
    .group("/api/v1", (api) => api.use(accountRoutes(ctx)).use(functionRoutes(ctx, runtime)))
    .use(accountPages(ctx))
    .use(kvPages(ctx, kv))
    .use(envPages(ctx));
  const handle = createHandler(ctx, {
    app: { fetch: (request) => app.fetch(request), routes: app.routes },
    limiter: createRateLimiter(ctx.now),
    sites: { answer: () => Promise.resolve(undefined) },
    toHttps: () => Promise.resolve(undefined),
  });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const answer = await handle(request, { address: () => "127.0.0.1", secure: false });
      if (answer === UPGRADED) throw new Error("a connection was upgraded");
      return answer;
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    ctx,
    kv,
    ada,
    bob,
    dev,
    vic,
    url,
    ask: (method, path, as, { body, headers } = {}) =>
      fetch(`${url}/api/v1${path}`, {
        method,
        headers: { ...(as && { authorization: `Bearer ${as.token}` }), ...headers },
        ...(body !== undefined && { body: typeof body === "string" ? body : Buffer.from(body) }),
      }),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await kv.stop();
      await ctx.close();
    },
  };
}
