import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import { TokenInfo } from "#accounts/model.ts";
import { parseJsonBody } from "#http/json.ts";
import { pageOf, PageQuery, parsePage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { Member, MemberBody, MemberPage, Site, SiteBody, SiteChanges, SitePage } from "../model.ts";
import { deleteMember, listMembers, putMember, readMember } from "./members.ts";
import { updateSite } from "./settings.ts";
import { listSiteKeys } from "./site-keys.ts";
import { createSite } from "./sites-create.ts";
import { deleteSite } from "./sites-delete.ts";
import { listSites, readSite } from "./sites-read.ts";

const SitesQuery = Type.Composite([
  PageQuery,
  Type.Object({
    all: Type.Optional(
      Type.Literal("true", { description: "Every site of the server; admins only" }),
    ),
  }),
]);

/** Sites, their settings, members and keys. */
export function siteRoutes(ctx: Ctx) {
  return new Elysia({ name: "sites.sites" })
    .use(listRoutes(ctx))
    .use(oneRoutes(ctx))
    .use(memberRoutes(ctx));
}

function listRoutes(ctx: Ctx) {
  return new Elysia()
    .get(
      "/sites",
      async ({ request, query }) => {
        const page = { ...parsePage(query), all: query.all === "true" };
        return listSites(ctx, await identify(ctx, request), page);
      },
      { query: SitesQuery, response: { 200: SitePage }, detail: { summary: "List your sites" } },
    )
    .post(
      "/sites",
      async ({ request, body, status }) =>
        status(201, await createSite(ctx, await identifyWriter(ctx, request), body)),
      {
        parse: parseJsonBody,
        body: SiteBody,
        response: { 201: Site },
        detail: { summary: "Make a site" },
      },
    );
}

function oneRoutes(ctx: Ctx) {
  return new Elysia()
    .get(
      "/sites/:site",
      async ({ request, params }) => readSite(ctx, await identify(ctx, request), params.site),
      { response: { 200: Site }, detail: { summary: "Read a site" } },
    )
    .patch(
      "/sites/:site",
      async ({ request, params, body }) =>
        updateSite(ctx, await identifyWriter(ctx, request), params.site, body),
      {
        parse: parseJsonBody,
        body: SiteChanges,
        response: { 200: Site },
        detail: {
          summary: "Change the settings of a site",
          description: "What is not named stays. A password protects the site with it.",
        },
      },
    )
    .delete(
      "/sites/:site",
      async ({ request, params, status }) => {
        await deleteSite(ctx, await identifyWriter(ctx, request), params.site);
        return status(204);
      },
      {
        parse: "none",
        detail: {
          summary: "Remove a site",
          description: "With its deploys and domains. The name is held for its owners for a while.",
        },
      },
    )
    .get(
      "/sites/:site/keys",
      async ({ request, params, query }) =>
        listSiteKeys(ctx, await identify(ctx, request), params.site, parsePage(query)),
      {
        query: PageQuery,
        response: { 200: pageOf(TokenInfo) },
        detail: { summary: "List your keys that are for this site alone" },
      },
    );
}

function memberRoutes(ctx: Ctx) {
  return new Elysia({ prefix: "/sites/:site/members" })
    .get(
      "/",
      async ({ request, params, query }) =>
        listMembers(ctx, await identify(ctx, request), params.site, parsePage(query)),
      {
        query: PageQuery,
        response: { 200: MemberPage },
        detail: { summary: "List the members of a site" },
      },
    )
    .get(
      "/:user",
      async ({ request, params }) => readMember(ctx, await identify(ctx, request), params),
      { response: { 200: Member }, detail: { summary: "Tell the role of a member" } },
    )
    .put(
      "/:user",
      async ({ request, params, body }) =>
        putMember(ctx, await identifyWriter(ctx, request), params, body.role),
      {
        parse: parseJsonBody,
        body: MemberBody,
        response: { 200: Member },
        detail: { summary: "Add a member, or change the role of one" },
      },
    )
    .delete(
      "/:user",
      async ({ request, params, status }) => {
        await deleteMember(ctx, await identifyWriter(ctx, request), params);
        return status(204);
      },
      { parse: "none", detail: { summary: "Remove a member" } },
    );
}
