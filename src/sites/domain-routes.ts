import { Elysia } from "elysia";

import type { Ctx } from "#store/ctx.ts";

/** To be written by its owner. */
export function domainRoutes(_ctx: Ctx) {
  return new Elysia();
}
