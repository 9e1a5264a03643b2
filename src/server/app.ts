import { Elysia } from "elysia";

import { accountRoutes } from "#accounts/routes.ts";
import { version } from "#base/build-info.ts";
import { type DescribedRoute, describeRoutes, type OpenApi } from "#http/openapi.ts";
import { problems } from "#http/problems.ts";
import { MANIFEST_SCHEMA } from "#pack/manifest-schema.ts";
import { registryRoutes } from "#registry/routes.ts";
import { functionRoutes } from "#runtime/routes.ts";
import type { Runtime } from "#runtime/runtime.ts";
import { deployByCurl, sitesRoutes } from "#sites/routes.ts";
import type { Ctx } from "#store/ctx.ts";
import { functionsPages } from "#web/functions-pages.ts";
import { apiPage, pageOfError, pages } from "#web/pages.tsx";

import { health } from "./health.ts";

/** Our own host as one `fetch`: the JSON API under /api/v1 and the website. Sites of users never pass through here. */
export type App = {
  fetch: (request: Request) => Promise<Response> | Response;
  routes: readonly DescribedRoute[];
};

/** Mounts every feature. `problems` comes first, since Elysia's onError covers only what is registered after it. */
export function createApp(ctx: Ctx, runtime: Runtime): App {
  const listRoutes = (): App["routes"] => app.routes;
  const app = new Elysia({ normalize: false })
    .use(problems({ ctx, page: (error, request) => pageOfError(ctx, error, request) }))
    .get("/health", () => health(ctx))
    .get("/openapi.json", (): Response => Response.json(describeApi(ctx, listRoutes())))
    .group("/api/v1", (api) =>
      api
        .use(accountRoutes(ctx))
        .use(registryRoutes(ctx))
        .use(sitesRoutes(ctx))
        .use(functionRoutes(ctx, runtime)),
    )
    .group("/api", (api) => api.use(deployByCurl(ctx)))
    .get("/schema/land.json", (): Response => Response.json(MANIFEST_SCHEMA))
    .get("/docs/api", ({ request }) => apiPage(ctx, request, describeApi(ctx, listRoutes()).paths))
    .use(pages(ctx))
    .use(functionsPages(ctx, runtime));
  return { fetch: (request) => app.fetch(request), routes: listRoutes() };
}

/** The API as an OpenAPI document. */
export function describeApi(ctx: Ctx, routes: App["routes"]): OpenApi {
  return describeRoutes(routes, {
    title: "land",
    version,
    serverUrl: ctx.publicUrl(),
    prefix: "/api/v1",
  });
}
