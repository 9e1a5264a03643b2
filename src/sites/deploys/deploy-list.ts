import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { newestFirst, olderThan } from "#accounts/newest.ts";
import { type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import type { DeployPage } from "../model.ts";
import { requireSite } from "../rights.ts";
import { deploys } from "../tables.ts";
import { MAY_LOOK, toDeploys } from "./deploy-read.ts";

/** The deploys of a site, newest first, unfinished ones too. @throws unauthenticated, scope_missing, site_not_found */
export async function listDeploys(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  page: PageRequest,
): Promise<DeployPage> {
  const { site } = await requireSite(ctx, actor, name, MAY_LOOK);
  const rows = await ctx.db.read
    .select()
    .from(deploys)
    .where(and(eq(deploys.siteId, site.id), olderThan(deploys.createdAt, deploys.id, page.cursor)))
    .orderBy(newestFirst(deploys.createdAt, deploys.id))
    .limit(page.limit + 1);
  const { next } = toPage(
    rows,
    page,
    (row) => row.id,
    (row) => [row.createdAt.getTime(), row.id],
  );
  return { items: await toDeploys(ctx, site, rows.slice(0, page.limit)), next };
}
