import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { grants, requireActor, requireScope } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { isSiteName, printable } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Role } from "./model.ts";
import { siteMembers, sites } from "./tables.ts";

/** A row of the table of sites. */
export type SiteRow = typeof sites.$inferSelect;

/** What an act on a site asks for. */
export type Need = {
  /** Words the refusal: "deploy to", "look at". */
  action: string;
  role: Role;
  /** What a token must hold; `deploy` becomes `deploy:<site>`. `any`: one of the three, for plain reads. */
  scope: "account" | "site" | "deploy" | "stats" | "any";
};

/** A site, and who asks with which role. */
export type SiteAccess = { site: SiteRow; actor: Actor; role: Role };

const RANK: Readonly<Record<Role, number>> = { viewer: 0, developer: 1, owner: 2 };

/**
 * The site for an act, once the account and the token may do it. Admins of the server count as owners. Inside a transaction it
 * reads what that transaction sees.
 *
 * @throws unauthenticated, scope_missing, site_role; site_not_found also for who is no member
 */
export async function requireSite(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  need: Need,
): Promise<SiteAccess> {
  const known = requireActor(actor);
  const unknown = fail("site_not_found", { site: printable(name) });
  if (!isSiteName(name)) throw unknown;
  const [row] = await ctx.db.read
    .select({ site: sites, role: siteMembers.role })
    .from(sites)
    .leftJoin(
      siteMembers,
      and(eq(siteMembers.siteId, sites.id), eq(siteMembers.userId, known.userId)),
    )
    .where(eq(sites.name, name));
  const role = roleOf(known, row?.role);
  if (!row || !role) throw unknown;
  requireSiteScope(known, name, need);
  if (RANK[role] < RANK[need.role])
    throw fail("site_role", { site: name, action: need.action, role: need.role });
  return { site: row.site, actor: known, role };
}

/** The role that an account acts with: the one it has as a member, and owner for admins of the server. */
export function roleOf(actor: Actor, member: Role | null | undefined): Role | undefined {
  return actor.isAdmin && mayActAsAdmin(actor) ? "owner" : (member ?? undefined);
}

/** Everything but keys made for packages or for one site: those of an admin open no more than their maker said. */
function mayActAsAdmin({ via }: Actor): boolean {
  return via.kind === "session" || via.scopes.some((scope) => grants(scope, "admin"));
}

function requireSiteScope(actor: Actor, name: string, { action, scope }: Need): void {
  const words = `${action} "${name}"`;
  if (scope === "account") requireScope(actor, words, "account");
  else if (scope !== "any") requireScope(actor, words, `${scope}:${name}`);
  else if (actor.via.kind === "token") {
    const { scopes } = actor.via;
    const kinds = ["site", "deploy", "stats"];
    const some = kinds.some((kind) => scopes.some((held) => grants(held, `${kind}:${name}`)));
    if (!some && !scopes.includes("admin")) requireScope(actor, words, `site:${name}`);
  }
}

/** Who sends bytes: an account itself (`keyId` null), or one of its keys that may do no more than deploy. */
export type Sender = { userId: number; keyId: string | null };

/** Who sends, as far as it decides what counts as sent before. */
export function senderOf(actor: Actor): Sender {
  const { userId, via } = actor;
  return { userId, keyId: via.kind === "token" && isKey(actor) ? via.id : null };
}

/** How a deploy or a release tells who made it: the name of a key that may do no more than deploy, else null. */
export function keyNameOf(actor: Actor): string | null {
  return actor.via.kind === "token" && isKey(actor) ? actor.via.name : null;
}

function isKey({ via }: Actor): boolean {
  return via.kind === "token" && !via.scopes.includes("account");
}
