import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireAccountScope } from "#accounts/guard.ts";
import { readUser } from "#accounts/users.ts";
import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { noteChange } from "./latest.ts";
import type { Owner, OwnerPage } from "./model.ts";
import { readDocuments } from "./read.ts";
import { requireOwner } from "./rights.ts";
import { packageOwners } from "./tables.ts";

/** Who owns a package, first the one who began it. @throws package_not_found */
export async function listOwners(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
): Promise<OwnerPage> {
  const { documents } = await readDocuments(ctx, actor, name);
  return { items: documents.about.owners.map((user) => ({ user })), next: null };
}

/** One owner of a package. @throws package_not_found, not_found where the user is none */
export async function readOwner(
  ctx: Ctx,
  actor: Actor | undefined,
  target: { name: string; user: string },
): Promise<Owner> {
  const { items } = await listOwners(ctx, actor, target.name);
  const owner = items.find(({ user }) => user === target.user);
  if (!owner) throw noOwner(target);
  return owner;
}

/** A package and one of its owners, or one to be. */
type Target = { name: string; user: string };

/**
 * Makes a user an owner, who may do everything with the package. Does nothing where they are one.
 *
 * @throws package_not_found, not_found, scope_missing, not_owner
 */
export async function addOwner(ctx: Ctx, actor: Actor, target: Target): Promise<void> {
  await changeOwners(ctx, actor, { ...target, action: "add an owner of" }, async (tx, ids) => {
    const added = await tx
      .insert(packageOwners)
      .values({ ...ids, addedAt: ctx.now() })
      .onConflictDoNothing()
      .returning();
    return added.length > 0;
  });
}

/**
 * Takes a package from a user, or gives the own part in it up.
 *
 * @throws package_not_found, not_found, last_owner, scope_missing, not_owner
 */
export async function removeOwner(ctx: Ctx, actor: Actor, target: Target): Promise<void> {
  await changeOwners(ctx, actor, { ...target, action: "remove an owner of" }, async (tx, ids) => {
    const { packageId, userId } = ids;
    const all = await tx
      .select({ userId: packageOwners.userId })
      .from(packageOwners)
      .where(eq(packageOwners.packageId, packageId));
    if (!all.some((owner) => owner.userId === userId)) throw noOwner(target);
    if (all.length === 1) throw fail("last_owner", target);
    await tx
      .delete(packageOwners)
      .where(and(eq(packageOwners.packageId, packageId), eq(packageOwners.userId, userId)));
    return true;
  });
}

/** Checks who may, then changes the owners in one transaction. `change` tells whether it changed anything. */
async function changeOwners(
  ctx: Ctx,
  actor: Actor,
  { action, ...target }: Target & { action: string },
  change: (tx: Tx, ids: { packageId: number; userId: number }) => Promise<boolean>,
): Promise<void> {
  const { documents } = await readDocuments(ctx, actor, target.name);
  const { name, id: packageId } = documents;
  requireAccountScope(actor, `${action} "${name}"`);
  await ctx.db.transaction(async (tx) => {
    await requireOwner(tx, actor, packageId, { name, action });
    const { id: userId } = await readUser(ctx, target.user);
    if (await change(tx, { packageId, userId })) await noteChange(tx, packageId, ctx.now());
  });
}

function noOwner({ name, user }: { name: string; user: string }): LandError {
  return fail("not_found", {
    what: `"${printable(user)}" among the owners of "${printable(name)}"`,
  });
}
