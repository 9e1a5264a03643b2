/**
 * `src/runtime/status` tells how the functions of a site are and what they may take, and lets admins set that.
 * The API, pages and the composition call it. It must never tell one site of another, nor let an owner raise a quota.
 */
import { eq } from "drizzle-orm";

import type { Ctx } from "#store/ctx.ts";

import { siteFunctions } from "../tables.ts";

/** What the program of a site may take, in bytes. */
export type Quotas = { memoryBytes: number; diskBytes: number; kvBytes: number };

/** The quotas of a site: its own where an admin set some, else what the server allows. */
export async function quotasOf(
  { config, db }: Pick<Ctx, "config" | "db">,
  siteId: number,
): Promise<Quotas> {
  const [row] = await db.read.select().from(siteFunctions).where(eq(siteFunctions.siteId, siteId));
  return {
    memoryBytes: row?.memoryBytes ?? config["functions.memoryBytes"],
    diskBytes: row?.diskBytes ?? config["functions.diskBytes"],
    kvBytes: row?.kvBytes ?? config["functions.kvBytes"],
  };
}
