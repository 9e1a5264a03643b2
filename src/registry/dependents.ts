import { and, asc, eq, sql } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { type Page, type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Dependent } from "./model.ts";
import { readDocuments } from "./read.ts";
import { dependencies, packages } from "./tables.ts";

/** The packages whose latest version requires this one, by name. @throws package_not_found, invalid_input */
export async function listDependents(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  page: PageRequest,
): Promise<Page<Dependent>> {
  const { documents } = await readDocuments(ctx, actor, name);
  const [lastName = "", lastKind = ""] = page.cursor ?? [];
  const rows = await ctx.db.read
    .select({
      name: packages.name,
      version: packages.latest,
      range: dependencies.range,
      kind: dependencies.kind,
    })
    .from(dependencies)
    .innerJoin(packages, eq(packages.id, dependencies.packageId))
    .where(
      and(
        eq(dependencies.name, documents.name),
        sql`(${packages.name}, ${dependencies.kind}) > (${String(lastName)}, ${String(lastKind)})`,
      ),
    )
    .orderBy(asc(packages.name), asc(dependencies.kind))
    .limit(page.limit + 1);
  return toPage(
    rows,
    page,
    (row) => row,
    (row) => [row.name, row.kind],
  );
}
