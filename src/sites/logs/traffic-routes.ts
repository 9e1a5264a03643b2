import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";

import { type Actor, forgetActor, identify } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { PageQuery, parsePage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";
import { Traffic } from "#traffic/model.ts";

import { LogPage } from "../model.ts";
import { followLogs } from "./logs-follow.ts";
import { listLogs, parseLogFilter } from "./logs-list.ts";
import { answerTrafficFile } from "./traffic-file.ts";
import { readSiteTraffic } from "./traffic.ts";

const DEFAULT_DAYS = "30";

const TrafficQuery = Type.Object({
  days: Type.Optional(
    Type.String({
      pattern: "^\\d{1,4}$",
      description: `How many days until today, 1 to 400; ${DEFAULT_DAYS} by default`,
    }),
  ),
  format: Type.Optional(
    Type.String({
      description: "`json` (by default), or `csv` or `ndjson` for a file of all counts",
    }),
  ),
});

const LogQuery = Type.Composite([
  PageQuery,
  Type.Object({
    level: Type.Optional(
      Type.String({ description: "The least severe: debug, info, warn, error" }),
    ),
    kind: Type.Optional(Type.String({ description: "request, deploy, domain or program" })),
    request: Type.Optional(
      Type.String({ maxLength: 100, description: "The id of a request: only its lines" }),
    ),
    follow: Type.Optional(Type.String({ description: "`1`: new lines as server-sent events" })),
    after: Type.Optional(
      Type.String({
        description: "Follow after the line of this id, where no Last-Event-ID is sent",
      }),
    ),
  }),
]);

/** Traffic and logs of sites. */
export function trafficRoutes(ctx: Ctx) {
  return new Elysia()
    .get(
      "/sites/:site/traffic",
      async ({ request, params, query: { days = DEFAULT_DAYS, format = "json" } }) => {
        const actor = await identify(ctx, request);
        return trafficAnswer(ctx, actor, params.site, { days: Number(days), format });
      },
      {
        query: TrafficQuery,
        response: { 200: Traffic },
        detail: {
          summary: "Read the traffic of a site",
          description: "Days and hours are UTC. A visitor counts once on each day.",
        },
      },
    )
    .get(
      "/sites/:site/logs",
      async ({ request, params, query }) => {
        const actor = await identify(ctx, request);
        const filter = parseLogFilter(query);
        if (query.follow !== "1")
          return Response.json(
            await listLogs(ctx, actor, params.site, { ...filter, page: parsePage(query) }),
          );
        // Elysia answers HEAD by this too, and would read the body to its end, which does not come.
        if (request.method === "HEAD") {
          await listLogs(ctx, actor, params.site, { ...filter, page: parsePage({ limit: 1 }) });
          return new Response(null, { headers: EVENT_STREAM });
        }
        const stream = await followLogs(ctx, actor, params.site, {
          ...filter,
          after: parseLineId(request.headers.get("last-event-id") ?? query.after),
          signal: request.signal,
          renew: () => {
            forgetActor(request);
            return identify(ctx, request);
          },
        });
        return new Response(stream, { headers: EVENT_STREAM });
      },
      {
        query: LogQuery,
        response: { 200: LogPage },
        detail: {
          summary: "Read or follow the log of a site",
          description:
            "Newest first. With `follow=1` as `text/event-stream`: events `line`, whose data is a line; `Last-Event-ID` goes on after a line.",
        },
      },
    );
}

const EVENT_STREAM = {
  "content-type": "text/event-stream; charset=utf-8",
  // nginx would hold events back until its buffer is full.
  "x-accel-buffering": "no",
};

async function trafficAnswer(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  { days, format }: { days: number; format: string },
): Promise<Response> {
  if (format === "json") return Response.json(await readSiteTraffic(ctx, actor, name, days));
  if (format !== "csv" && format !== "ndjson")
    throw fail("invalid_input", { field: "format", problem: "use json, csv or ndjson" });
  return answerTrafficFile(ctx, actor, name, { days, format });
}

function parseLineId(value: string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  if (!/^\d{1,15}$/.test(value))
    throw fail("invalid_input", { field: "after", problem: "use the id of a line" });
  return Number(value);
}
