import { and, eq, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { nameUsers, readUser } from "#accounts/users.ts";
import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { type Page, type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { Member, Role } from "../model.ts";
import { requireSite, type SiteRow } from "../rights.ts";
import { siteMembers } from "../tables.ts";

type Row = typeof siteMembers.$inferSelect;
/** A site and one of its members, or one to be, by their names. */
type Target = { site: string; user: string };

/** Who may do what with a site, the longest member first. @throws unauthenticated, scope_missing, site_not_found */
export async function listMembers(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  page: PageRequest,
): Promise<Page<Member>> {
  const { site } = await requireSite(ctx, actor, name, {
    action: "list the members of",
    role: "viewer",
    scope: "any",
  });
  const [at, id] = page.cursor ?? [-1, 0];
  const rows = await ctx.db.read
    .select()
    .from(siteMembers)
    .where(
      and(
        eq(siteMembers.siteId, site.id),
        sql`(${siteMembers.addedAt}, ${siteMembers.userId}) > (${Number(at)}, ${Number(id)})`,
      ),
    )
    .orderBy(siteMembers.addedAt, siteMembers.userId)
    .limit(page.limit + 1);
  const names = await nameUsers(
    ctx,
    rows.map(({ userId }) => userId),
  );
  return toPage(
    rows,
    page,
    (row) => toMember(row, names.get(row.userId) ?? ""),
    (row) => [row.addedAt.getTime(), row.userId],
  );
}

/** One member of a site. @throws unauthenticated, scope_missing, site_not_found; not_found where the user is none */
export async function readMember(
  ctx: Ctx,
  actor: Actor | undefined,
  target: Target,
): Promise<Member> {
  const { site } = await requireSite(ctx, actor, target.site, {
    action: "list the members of",
    role: "viewer",
    scope: "any",
  });
  const user = await readUser(ctx, target.user);
  const row = await findMember(ctx.db.read, site, user.id);
  if (!row) throw noMember(target);
  return toMember(row, user.name);
}

/**
 * Gives a user a role on a site, in place of the one they had. It holds from the next request on.
 *
 * @throws unauthenticated, scope_missing, site_role, site_not_found, last_site_owner; not_found where there is no such user
 */
export async function putMember(
  ctx: Ctx,
  actor: Actor | undefined,
  target: Target,
  role: Role,
): Promise<Member> {
  return ctx.db.transaction(async (tx) => {
    const { site } = await requireSite(ctx, actor, target.site, {
      action: "change the members of",
      role: "owner",
      scope: "account",
    });
    const user = await readUser(ctx, target.user);
    if (role !== "owner") await requireOtherOwner(tx, site, user);
    const [row] = await tx
      .insert(siteMembers)
      .values({ siteId: site.id, userId: user.id, role, addedAt: ctx.now() })
      .onConflictDoUpdate({ target: [siteMembers.siteId, siteMembers.userId], set: { role } })
      .returning();
    if (!row) throw new Error("the row of a member did not come back");
    return toMember(row, user.name);
  });
}

/**
 * Takes a site from a user; every member may give up the own part. From the next request on neither the account nor its
 * deploy keys may do anything with the site.
 *
 * @throws unauthenticated, scope_missing, site_role, site_not_found, last_site_owner; not_found where the user is no member
 */
export async function deleteMember(
  ctx: Ctx,
  actor: Actor | undefined,
  target: Target,
): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const { site } = await requireSite(ctx, actor, target.site, {
      action: "change the members of",
      role: actor?.name === target.user ? "viewer" : "owner",
      scope: "account",
    });
    const user = await readUser(ctx, target.user);
    if (!(await findMember(tx, site, user.id))) throw noMember(target);
    await requireOtherOwner(tx, site, user);
    await tx
      .delete(siteMembers)
      .where(and(eq(siteMembers.siteId, site.id), eq(siteMembers.userId, user.id)));
  });
}

/** Refuses to take the role owner from the last one who has it. */
async function requireOtherOwner(
  tx: Tx,
  site: SiteRow,
  user: { id: number; name: string },
): Promise<void> {
  const owners = await tx
    .select({ userId: siteMembers.userId })
    .from(siteMembers)
    .where(and(eq(siteMembers.siteId, site.id), eq(siteMembers.role, "owner")));
  if (owners.length === 1 && owners[0]?.userId === user.id)
    throw fail("last_site_owner", { site: site.name, user: user.name });
}

async function findMember(tx: Tx, site: SiteRow, userId: number): Promise<Row | undefined> {
  const [row] = await tx
    .select()
    .from(siteMembers)
    .where(and(eq(siteMembers.siteId, site.id), eq(siteMembers.userId, userId)));
  return row;
}

function noMember({ site, user }: Target): LandError {
  return fail("not_found", {
    what: `"${printable(user)}" among the members of "${printable(site)}"`,
  });
}

function toMember({ role, addedAt }: Row, user: string): Member {
  return { user, role, addedAt: addedAt.toISOString() };
}
