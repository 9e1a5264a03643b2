import { Elysia } from "elysia";

import type { Ctx } from "#store/ctx.ts";

import { deployRoutes, oneShotRoutes } from "./deploys/deploy-routes.ts";
import { domainRoutes } from "./domains/domain-routes.ts";
import { trafficRoutes } from "./logs/traffic-routes.ts";
import { siteRoutes } from "./site/site-routes.ts";

/** The sites API, to be mounted under /api/v1. No answer of it may be kept by a cache. */
export function sitesRoutes(ctx: Ctx) {
  return new Elysia({ name: "sites" })
    .onBeforeHandle({ as: "scoped" }, ({ set }) => {
      set.headers["cache-control"] = "no-store";
    })
    .use(siteRoutes(ctx))
    .use(deployRoutes(ctx))
    .use(domainRoutes(ctx))
    .use(trafficRoutes(ctx));
}

/** `POST /api/deploy`, to be mounted at /api. */
export function deployByCurl(ctx: Ctx) {
  return new Elysia({ name: "sites.one-shot" }).use(oneShotRoutes(ctx));
}
