/**
 * `src/sites/site` is a site itself: making, reading, settings, members, keys, and its removal.
 * Its routes and the pages call it; deploys ask it for the shape of a site. It must never touch the files of a deploy.
 */
import { and, count, eq, gt, lte, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireAccountScope } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { isReservedSiteName, parseSiteName, type SiteName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Site, SiteBody } from "../model.ts";
import type { SiteRow } from "../rights.ts";
import { heldNames, siteIds, siteMembers, sites } from "../tables.ts";
import { toSite } from "./sites-read.ts";

/**
 * Makes a site of which the account is the owner. It shows nothing until something is deployed to it. On a server of members
 * it begins protected by their accounts.
 *
 * @throws unauthenticated, scope_missing, name_invalid, name_reserved, site_taken, site_name_held, quota_exceeded; forbidden
 * where only admins make sites
 */
export async function createSite(
  ctx: Ctx,
  actor: Actor | undefined,
  body: SiteBody,
): Promise<Site> {
  const maker = requireAccountScope(actor, "make a site");
  const name = parseSiteName(body.name);
  if (isReservedSiteName(name, ctx.config["sites.reservedNames"]))
    throw fail("name_reserved", { name });
  const row = await ctx.db.transaction(async () => {
    await refuseTaken(ctx, maker, name);
    await requireRoom(ctx, maker);
    return storeSite(ctx, maker, name);
  });
  ctx.hooks.emit("site.created", { site: name, user: maker.name });
  return toSite(ctx, { site: row, role: "owner" });
}

async function refuseTaken(ctx: Ctx, maker: Actor, site: SiteName): Promise<void> {
  const taken = await ctx.db.read.select({ id: sites.id }).from(sites).where(eq(sites.name, site));
  if (taken.length > 0) throw fail("site_taken", { site });
  const holds = await ctx.db.read
    .select()
    .from(heldNames)
    .where(and(eq(heldNames.name, site), gt(heldNames.until, ctx.now())));
  if (holds.length === 0 || holds.some(({ userId }) => userId === maker.userId)) return;
  const until = Math.max(...holds.map((hold) => hold.until.getTime()));
  throw fail("site_name_held", { site, until: new Date(until).toISOString() });
}

async function requireRoom(ctx: Ctx, maker: Actor): Promise<void> {
  if (maker.isAdmin) return;
  const limit = ctx.config["sites.perAccount"];
  if (limit === 0)
    throw fail("forbidden", { action: "make a site", reason: "only admins make sites here" });
  const [made] = await ctx.db.read
    .select({ sites: count() })
    .from(sites)
    .where(eq(sites.createdBy, maker.userId));
  const needed = (made?.sites ?? 0) + 1;
  if (needed > limit)
    throw fail("quota_exceeded", { what: "one more site", limit, needed, unit: "sites" });
}

async function storeSite(ctx: Ctx, maker: Actor, name: SiteName): Promise<SiteRow> {
  const now = ctx.now();
  return ctx.db.transaction(async (tx) => {
    // The new site's owners are who holds its name from here on; what ended is of no use to anyone.
    await tx.delete(heldNames).where(eq(heldNames.name, name));
    await tx.delete(heldNames).where(lte(heldNames.until, now));
    // Never the id of a site that was removed: files of it may still be there.
    const [given] = await tx
      .update(siteIds)
      .set({ last: sql`${siteIds.last} + 1` })
      .returning();
    if (!given) throw new Error("the row of the last id is gone");
    const [row] = await tx
      .insert(sites)
      .values({
        id: given.last,
        name,
        createdBy: maker.userId,
        protection: ctx.config.access === "members" ? "members" : "none",
        createdAt: now,
        updatedAt: now,
      })
      .returning();
    if (!row) throw new Error("the row of a new site did not come back");
    await tx
      .insert(siteMembers)
      .values({ siteId: row.id, userId: maker.userId, role: "owner", addedAt: now });
    return row;
  });
}
