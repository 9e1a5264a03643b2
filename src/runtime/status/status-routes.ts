import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import { parseJsonBody } from "#http/json.ts";
import type { Ctx } from "#store/ctx.ts";

import { FunctionsChanges, FunctionsInfo } from "../model.ts";
import {
  readFunctions,
  removeDatabase,
  startProgram,
  type StatusParts,
  updateFunctions,
} from "./status.ts";

/** How the functions of a site are. */
export function statusRoutes(ctx: Ctx, runtime: StatusParts) {
  return new Elysia({ name: "runtime.status" })
    .get(
      "/sites/:site/functions",
      async ({ request, params }) =>
        readFunctions(ctx, runtime, await identify(ctx, request), params.site),
      {
        response: { 200: FunctionsInfo },
        detail: { summary: "Tell how the functions of a site are, and what they may take" },
      },
    )
    .post(
      "/sites/:site/functions/start",
      async ({ request, params }) =>
        startProgram(ctx, runtime, await identifyWriter(ctx, request), params.site),
      {
        parse: "none",
        response: { 200: FunctionsInfo },
        detail: {
          summary: "Start the program of a site",
          description:
            "Where it runs already, nothing happens. `programProblem` tells why it cannot be started.",
        },
      },
    )
    .delete(
      "/sites/:site/database",
      async ({ request, params, status }) => {
        await removeDatabase(ctx, runtime, await identifyWriter(ctx, request), params.site);
        return status(204);
      },
      {
        parse: "none",
        detail: {
          summary: "Remove the database of a site's program",
          description: "All that is stored with `env.DB`, for good. For owners of the site.",
        },
      },
    )
    .patch(
      "/sites/:site/functions",
      async ({ request, params, body }) =>
        updateFunctions(ctx, runtime, await identifyWriter(ctx, request), params.site, body),
      {
        parse: parseJsonBody,
        body: FunctionsChanges,
        response: { 200: FunctionsInfo },
        detail: {
          summary: "Set quotas of a site's functions",
          description: "For admins of the server. What is not named stays.",
        },
      },
    );
}
