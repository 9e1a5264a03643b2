import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import { parseJsonBody } from "#http/json.ts";
import type { Ctx } from "#store/ctx.ts";

import { EnvBody, EnvEntry, EnvImport, EnvList } from "../model.ts";
import { importEnv, listEnv, setEnv, unsetEnv } from "./env.ts";

/** Variables and secrets of a site. */
export function envRoutes(ctx: Ctx) {
  return new Elysia({ name: "runtime.env", prefix: "/sites/:site/env" })
    .get(
      "/",
      async ({ request, params }) => listEnv(ctx, await identify(ctx, request), params.site),
      {
        response: { 200: EnvList },
        detail: {
          summary: "List the variables and secrets of a site",
          description: "Secrets come without their values: those are never told again.",
        },
      },
    )
    .post(
      "/",
      async ({ request, params, body }) =>
        importEnv(ctx, await identifyWriter(ctx, request), params.site, body),
      {
        parse: parseJsonBody,
        body: EnvImport,
        response: { 200: EnvList },
        detail: {
          summary: "Set several variables or secrets of a site",
          description: "All or none. Those not named stay.",
        },
      },
    )
    .put(
      "/:key",
      async ({ request, params, body }) =>
        setEnv(ctx, await identifyWriter(ctx, request), params, body),
      {
        parse: parseJsonBody,
        body: EnvBody,
        response: { 200: EnvEntry },
        detail: {
          summary: "Set a variable or secret of a site",
          description:
            "A secret unless `kind` is `variable`. Programs have it at their next request.",
        },
      },
    )
    .delete(
      "/:key",
      async ({ request, params, status }) => {
        await unsetEnv(ctx, await identifyWriter(ctx, request), params);
        return status(204);
      },
      { parse: "none", detail: { summary: "Remove a variable or secret of a site" } },
    );
}
