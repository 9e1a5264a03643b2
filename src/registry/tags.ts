import { and, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireScope } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { parseTag, printable, type Tag, type Version } from "#base/names.ts";
import { isRange } from "#base/ranges.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { LATEST, moveLatest, noteChange } from "./latest.ts";
import type { TagEntry, TagPage } from "./model.ts";
import { readDocuments } from "./read.ts";
import { requireOwner } from "./rights.ts";
import { tags } from "./tables.ts";

/**
 * Points a tag at a version, yanked or not. `latest` set so stays until it is set again: neither a publish nor a yank moves it.
 *
 * @throws package_not_found, version_not_found, name_invalid, scope_missing, not_owner
 */
export async function writeTag(
  ctx: Ctx,
  actor: Actor,
  target: { name: string; tag: string; version: string },
): Promise<void> {
  const { documents } = await readDocuments(ctx, actor, target.name);
  const { name, id } = documents;
  requireScope(actor, `tag "${name}"`, `publish:${name}`);
  const tag = parseTag(target.tag, isRange);
  const version = documents.versions.get(target.version)?.version;
  if (!version) throw fail("version_not_found", { name, version: printable(target.version) });
  await ctx.db.transaction(async (tx) => {
    await requireOwner(tx, actor, id, { name, action: "tag" });
    await setTag(tx, id, tag, version);
    await moveLatest(tx, id);
    await noteChange(tx, id, ctx.now());
  });
}

/** Removes a tag. @throws package_not_found, not_found, tag_fixed for `latest`, scope_missing, not_owner */
export async function deleteTag(
  ctx: Ctx,
  actor: Actor,
  target: { name: string; tag: string },
): Promise<void> {
  const { documents } = await readDocuments(ctx, actor, target.name);
  const { name, id, about } = documents;
  requireScope(actor, `untag "${name}"`, `publish:${name}`);
  await requireOwner(ctx.db.read, actor, id, { name, action: "untag" });
  if (!Object.hasOwn(about.tags, target.tag))
    throw fail("not_found", { what: `the tag "${printable(target.tag)}" of "${name}"` });
  const tag = parseTag(target.tag, isRange);
  if (tag === LATEST) throw fail("tag_fixed", { name, tag });
  await ctx.db.transaction(async (tx) => {
    await requireOwner(tx, actor, id, { name, action: "untag" });
    await tx.delete(tags).where(and(eq(tags.packageId, id), eq(tags.tag, tag)));
    await noteChange(tx, id, ctx.now());
  });
}

/** All tags of a package, `latest` first. @throws package_not_found */
export async function listTags(ctx: Ctx, actor: Actor | undefined, name: string): Promise<TagPage> {
  const { documents } = await readDocuments(ctx, actor, name);
  const entries = Object.entries(documents.about.tags);
  return { items: entries.map(([tag, version]) => ({ tag, version })), next: null };
}

/** One tag. @throws package_not_found, not_found */
export async function readTag(
  ctx: Ctx,
  actor: Actor | undefined,
  { name, tag }: { name: string; tag: string },
): Promise<TagEntry> {
  const { items } = await listTags(ctx, actor, name);
  const entry = items.find((item) => item.tag === tag);
  if (!entry)
    throw fail("not_found", { what: `the tag "${printable(tag)}" of "${printable(name)}"` });
  return entry;
}

/** Puts the row of a tag, in the transaction of a verb that checked it. */
export async function setTag(tx: Tx, packageId: number, tag: Tag, version: Version): Promise<void> {
  await tx
    .insert(tags)
    .values({ packageId, tag, version })
    .onConflictDoUpdate({ target: [tags.packageId, tags.tag], set: { version } });
}
