import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireActor, requireScope } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { canonicalName, type PackageName, scopeOf } from "#base/names.ts";
import type { Tx } from "#store/db.ts";

import { packageOwners, packages } from "./tables.ts";

/**
 * Refuses an upload before a byte of it is read, where nothing in it could make it welcome. Whether this name may be
 * published is known only with the manifest.
 *
 * @throws unauthenticated, scope_missing
 */
export function checkMayPublish(actor: Actor | undefined): Actor {
  const known = requireActor(actor);
  const { via } = known;
  if (via.kind === "token" && via.scopes.some((scope) => scope.startsWith("publish:")))
    return known;
  return requireScope(known, "publish", "publish");
}

/**
 * Refuses who may not publish a package: one that is there takes versions from its owners alone; a new name must differ
 * enough from all others, and under a scope only the account of that name may begin one, admins included.
 *
 * @returns the package's id, or undefined where the name is new
 * @throws not_owner, scope_foreign, name_too_similar
 */
export async function requireName(
  db: Tx,
  actor: Actor,
  name: PackageName,
): Promise<number | undefined> {
  const canonical = canonicalName(name);
  const [found] = await db
    .select({ id: packages.id, name: packages.name })
    .from(packages)
    .where(eq(packages.canonical, canonical));
  if (found?.name === name) {
    await requireOwner(db, actor, found.id, { name, action: "publish" });
    return found.id;
  }
  const scope = scopeOf(name);
  if (scope !== undefined && scope !== actor.name) throw fail("scope_foreign", { name, scope });
  if (found) throw fail("name_too_similar", { name, taken: found.name });
  return undefined;
}

/** Refuses who does not own a package. @throws not_owner */
export async function requireOwner(
  db: Tx,
  actor: Actor,
  packageId: number,
  about: { name: string; action: string },
): Promise<void> {
  const [row] = await db
    .select({ userId: packageOwners.userId })
    .from(packageOwners)
    .where(and(eq(packageOwners.packageId, packageId), eq(packageOwners.userId, actor.userId)));
  if (!row) throw fail("not_owner", about);
}
