import { eq } from "drizzle-orm";

import { isSiteName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { sites } from "../tables.ts";

/** The id of a site by its name; undefined where there is none. */
export async function findSiteId(
  { db }: Pick<Ctx, "db">,
  name: string,
): Promise<number | undefined> {
  if (!isSiteName(name)) return undefined;
  const [row] = await db.read.select({ id: sites.id }).from(sites).where(eq(sites.name, name));
  return row?.id;
}
