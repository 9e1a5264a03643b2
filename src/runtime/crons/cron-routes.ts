import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import { parseJsonBody } from "#http/json.ts";
import { PageQuery, parsePage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { CronBody, CronList, CronRun, CronRunPage } from "../model.ts";
import { listCronRuns, listCrons, runCron } from "./cron-verbs.ts";
import type { Crons } from "./scheduler.ts";

/** Schedules of the live program of a site. */
export function cronRoutes(ctx: Ctx, crons: Pick<Crons, "runNow">) {
  return new Elysia({ name: "runtime.crons" })
    .get(
      "/sites/:site/crons",
      async ({ request, params }) => listCrons(ctx, await identify(ctx, request), params.site),
      { response: { 200: CronList }, detail: { summary: "List the schedules of a site" } },
    )
    .get(
      "/sites/:site/crons/runs",
      async ({ request, params, query }) =>
        listCronRuns(ctx, await identify(ctx, request), params.site, parsePage(query)),
      {
        query: PageQuery,
        response: { 200: CronRunPage },
        detail: { summary: "List the runs of a site's schedules, newest first" },
      },
    )
    .post(
      "/sites/:site/crons/run",
      async ({ request, params, body, status }) => {
        const actor = await identifyWriter(ctx, request);
        return status(202, await runCron(ctx, crons, actor, params.site, body));
      },
      {
        parse: parseJsonBody,
        body: CronBody,
        response: { 202: CronRun },
        detail: {
          summary: "Run a schedule now",
          description: "Answers as soon as the run has begun; the list of runs tells its end.",
        },
      },
    );
}
