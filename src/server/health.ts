import { access, constants } from "node:fs/promises";

import { sql } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";

/** 200 `{"status":"ok"}`, or 503 with what is wrong: the database cannot be read, the data folder cannot be written. */
export async function health(ctx: Ctx): Promise<Response> {
  const problems: string[] = [];
  await Promise.resolve(ctx.db.read.all(sql`SELECT 1`)).catch(() =>
    problems.push("the database cannot be read"),
  );
  await access(ctx.config.data, constants.W_OK).catch(() =>
    problems.push("the data folder cannot be written"),
  );
  const headers = { "cache-control": "no-store" };
  return problems.length === 0
    ? Response.json({ status: "ok" }, { headers })
    : Response.json({ status: "failing", problems }, { status: 503, headers });
}
