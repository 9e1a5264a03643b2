import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import { parseJsonBody } from "#http/json.ts";
import { PageQuery, parsePage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { Domain, DomainBody, DomainPage } from "../model.ts";
import { addDomain } from "./domain-add.ts";
import { claimOrVerifyDomain } from "./domain-claim.ts";
import { removeDomain } from "./domain-remove.ts";
import { listDomains, readDomain } from "./domains.ts";

/** Custom domains of a site. */
export function domainRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/sites/:site/domains" })
    .get(
      "/",
      async ({ request, params, query }) =>
        listDomains(ctx, await identify(ctx, request), params.site, parsePage(query)),
      {
        query: PageQuery,
        response: { 200: DomainPage },
        detail: { summary: "List the domains of a site" },
      },
    )
    .post(
      "/",
      async ({ request, params, body, status }) =>
        status(201, await addDomain(ctx, await identifyWriter(ctx, request), params.site, body)),
      {
        parse: parseJsonBody,
        body: DomainBody,
        response: { 201: Domain },
        detail: { summary: "Claim a domain for a site" },
      },
    )
    .get(
      "/:host",
      async ({ request, params }) => readDomain(ctx, await identify(ctx, request), params),
      { response: { 200: Domain }, detail: { summary: "Read a domain of a site" } },
    )
    .post(
      "/:host",
      async ({ request, params }) => {
        const actor = await identifyWriter(ctx, request);
        return claimOrVerifyDomain(ctx, actor, params);
      },
      {
        parse: "none",
        response: { 200: Domain },
        detail: {
          summary: "Claim a domain, or verify it",
          description:
            "Claims the domain where the site does not claim it yet, else asks DNS for its proof. Both answer the domain.",
        },
      },
    )
    .delete(
      "/:host",
      async ({ request, params, status }) => {
        await removeDomain(ctx, await identifyWriter(ctx, request), params);
        return status(204);
      },
      { parse: "none", detail: { summary: "Remove a domain" } },
    );
}
