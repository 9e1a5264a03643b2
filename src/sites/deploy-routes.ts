import { Elysia } from "elysia";

import type { Ctx } from "#store/ctx.ts";

/** To be written by its owner. */
export function deployRoutes(_ctx: Ctx) {
  return new Elysia();
}

/** To be written by its owner. */
export function oneShotRoutes(_ctx: Ctx) {
  return new Elysia();
}
