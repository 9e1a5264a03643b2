import { and, desc, eq, lt } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { nameUsers } from "#accounts/users.ts";
import { type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import type { ReleasePage } from "../model.ts";
import { requireSite } from "../rights.ts";
import { releases } from "../tables.ts";
import { MAY_LOOK } from "./deploy-read.ts";

/** Each time that a deploy of a site went live, the last first. @throws unauthenticated, scope_missing, site_not_found */
export async function listReleases(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  page: PageRequest,
): Promise<ReleasePage> {
  const { site } = await requireSite(ctx, actor, name, MAY_LOOK);
  const [before] = page.cursor ?? [];
  const rows = await ctx.db.read
    .select()
    .from(releases)
    .where(
      and(
        eq(releases.siteId, site.id),
        before === undefined ? undefined : lt(releases.id, Number(before)),
      ),
    )
    .orderBy(desc(releases.id))
    .limit(page.limit + 1);
  const makers = rows.map(({ by }) => by).filter((id) => id !== null);
  const names = await nameUsers(ctx, makers);
  return toPage(
    rows,
    page,
    ({ deployId, at, by, keyName }) => ({
      deploy: deployId,
      at: at.toISOString(),
      by: names.get(by ?? -1) ?? null,
      key: keyName,
    }),
    ({ id }) => [id],
  );
}
