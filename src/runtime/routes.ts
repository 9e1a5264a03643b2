import { Elysia } from "elysia";

import type { Ctx } from "#store/ctx.ts";

import { cronRoutes } from "./crons/cron-routes.ts";
import { egressRoutes } from "./egress/egress-routes.ts";
import { envRoutes } from "./env/env-routes.ts";
import { kvRoutes } from "./kv/kv-routes.ts";
import type { Runtime } from "./runtime.ts";
import { statusRoutes } from "./status/status-routes.ts";

/** The API of functions, to be mounted under /api/v1. No answer of it may be kept by a cache: it may hold values and variables. */
export function functionRoutes(ctx: Ctx, runtime: Runtime) {
  return new Elysia({ name: "runtime" })
    .onBeforeHandle({ as: "scoped" }, ({ set }) => {
      set.headers["cache-control"] = "no-store";
    })
    .use(statusRoutes(ctx, runtime))
    .use(envRoutes(ctx))
    .use(kvRoutes(ctx, runtime.kv))
    .use(cronRoutes(ctx, runtime.crons))
    .use(egressRoutes(ctx));
}
