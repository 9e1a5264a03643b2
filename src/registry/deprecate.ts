import { and, eq, inArray } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireScope } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { isRange, parseRange, type Range, satisfies } from "#base/ranges.ts";
import type { Ctx } from "#store/ctx.ts";

import { noteChange } from "./latest.ts";
import { readDocuments } from "./read.ts";
import { requireOwner } from "./rights.ts";
import { versions } from "./tables.ts";

const MAX_MESSAGE = 1024;

/**
 * Warns whoever installs a version in `range`; `*` means all, pre-releases too. The empty message takes the warning back.
 *
 * @throws package_not_found, version_not_found where no version is in the range, invalid_input, scope_missing, not_owner
 */
export async function deprecate(
  ctx: Ctx,
  actor: Actor,
  target: { name: string; range: string; message: string },
): Promise<void> {
  const { documents } = await readDocuments(ctx, actor, target.name);
  const { name, id } = documents;
  requireScope(actor, `deprecate "${name}"`, `publish:${name}`);
  await requireOwner(ctx.db.read, actor, id, { name, action: "deprecate" });
  const range = checkRange(target.range);
  if (target.message.length > MAX_MESSAGE)
    throw fail("invalid_input", {
      field: "message",
      problem: `it is longer than ${MAX_MESSAGE} characters`,
    });
  const deprecated = target.message.trim() === "" ? null : target.message;
  await ctx.db.transaction(async (tx) => {
    await requireOwner(tx, actor, id, { name, action: "deprecate" });
    const rows = await tx
      .select({ id: versions.id, version: versions.version })
      .from(versions)
      .where(eq(versions.packageId, id));
    const meant = rows.filter(({ version }) => range === "*" || satisfies(version, range));
    if (meant.length === 0) throw fail("version_not_found", { name, version: range });
    for (let at = 0; at < meant.length; at += 500) {
      const ids = meant.slice(at, at + 500).map((row) => row.id);
      await tx
        .update(versions)
        .set({ deprecated })
        .where(and(eq(versions.packageId, id), inArray(versions.id, ids)));
    }
    await noteChange(tx, id, ctx.now());
  });
}

function checkRange(text: string): Range {
  if (isRange(text)) return parseRange(text);
  throw fail("invalid_input", { field: "range", problem: "use a range like ^1.2.0 or *" });
}
