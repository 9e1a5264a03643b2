import { Elysia } from "elysia";

import type { Runtime } from "#runtime/runtime.ts";
import type { Ctx } from "#store/ctx.ts";

import { cronPages } from "./site-crons.tsx";
import { egressPages } from "./site-egress.tsx";
import { envPages } from "./site-env.tsx";
import { functionPages } from "./site-functions-pages.ts";
import { kvPages } from "./site-kv-pages.ts";

/** The pages of sites' functions, for members. */
export function functionsPages(ctx: Ctx, runtime: Runtime) {
  return new Elysia({ name: "web.functions.all" })
    .use(functionPages(ctx, runtime))
    .use(envPages(ctx))
    .use(kvPages(ctx, runtime.kv))
    .use(cronPages(ctx, runtime.crons))
    .use(egressPages(ctx));
}
