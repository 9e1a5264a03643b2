import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import { parseJsonBody } from "#http/json.ts";
import type { Ctx } from "#store/ctx.ts";

import { EgressBody, EgressLedger } from "../model.ts";
import { EGRESS_DAYS, readEgress, setEgress } from "./egress-verbs.ts";

const EgressQuery = Type.Object({
  days: Type.Optional(
    Type.String({
      pattern: "^\\d{1,3}$",
      description: `How many days until today, 1 to 400; ${EGRESS_DAYS} by default`,
    }),
  ),
});

/** Where programs of a site talk to, and may. */
export function egressRoutes(ctx: Ctx) {
  return new Elysia({ name: "runtime.egress" })
    .get(
      "/sites/:site/egress",
      async ({ request, params, query: { days = String(EGRESS_DAYS) } }) =>
        readEgress(ctx, await identify(ctx, request), params.site, Number(days)),
      {
        query: EgressQuery,
        response: { 200: EgressLedger },
        detail: {
          summary: "Tell where the programs of a site talked to",
          description: "Days are UTC. Bytes are those of bodies.",
        },
      },
    )
    .put(
      "/sites/:site/egress",
      async ({ request, params, body }) =>
        setEgress(ctx, await identifyWriter(ctx, request), params.site, body),
      {
        parse: parseJsonBody,
        body: EgressBody,
        response: { 200: EgressLedger },
        detail: {
          summary: "Set which hosts the programs of a site may ask",
          description:
            "`api.example.com`, `*.example.com` for all names below it, an address; with `:port` for that port alone, else for 80 and 443. `null`: every public host.",
        },
      },
    );
}
