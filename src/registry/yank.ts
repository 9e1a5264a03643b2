import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireScope } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { moveLatest, noteChange } from "./latest.ts";
import { readDocuments } from "./read.ts";
import { requireOwner } from "./rights.ts";
import { versions } from "./tables.ts";

/**
 * Takes a version out of what resolvers pick. It stays downloadable, its number stays taken, and `latest` moves by its rule.
 * Does nothing where it is yanked already.
 *
 * @throws package_not_found, version_not_found, scope_missing, not_owner
 */
export async function yank(ctx: Ctx, actor: Actor, name: string, version: string): Promise<void> {
  await change(ctx, actor, { name, version, yanked: true });
}

/** Undoes `yank`. Does nothing where the version is not yanked. @throws package_not_found, version_not_found, scope_missing, not_owner */
export async function unyank(ctx: Ctx, actor: Actor, name: string, version: string): Promise<void> {
  await change(ctx, actor, { name, version, yanked: false });
}

async function change(
  ctx: Ctx,
  actor: Actor,
  target: { name: string; version: string; yanked: boolean },
): Promise<void> {
  const { documents } = await readDocuments(ctx, actor, target.name);
  const { name, id } = documents;
  const action = target.yanked ? "yank" : "unyank";
  requireScope(actor, `${action} "${name}"`, "yank");
  await requireOwner(ctx.db.read, actor, id, { name, action });
  const version = documents.versions.get(target.version)?.version;
  if (!version) throw fail("version_not_found", { name, version: printable(target.version) });
  const here = and(eq(versions.packageId, id), eq(versions.version, version));
  const changed = await ctx.db.transaction(async (tx) => {
    await requireOwner(tx, actor, id, { name, action });
    const [row] = await tx.select({ yankedAt: versions.yankedAt }).from(versions).where(here);
    if ((row?.yankedAt !== null) === target.yanked) return false;
    const now = ctx.now();
    await tx
      .update(versions)
      .set({ yankedAt: target.yanked ? now : null })
      .where(here);
    await moveLatest(tx, id);
    await noteChange(tx, id, now);
    return true;
  });
  const event = target.yanked ? "version.yanked" : "version.unyanked";
  if (changed) ctx.hooks.emit(event, { name, version, user: actor.name });
}
