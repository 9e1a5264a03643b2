import { type Functions, startFunctions } from "#server/functions.ts";
import { type SiteAnswer, UPGRADED } from "#sites/serving/program.ts";
import type { Ctx } from "#store/ctx.ts";

/** What runs programs, as a server has it, its log thrown away. Stop it. */
export function testFunctions(ctx: Ctx): Functions {
  return startFunctions(ctx, { note: () => undefined });
}

/** An answer that is no WebSocket. */
export function plainAnswer(answer: SiteAnswer): Response {
  if (answer === UPGRADED) throw new Error("the connection became a WebSocket");
  return answer;
}
