import type { SQLQueryBindings } from "bun:sqlite";

import type { Actor } from "#accounts/actor.ts";
import { requireRead } from "#accounts/guard.ts";
import { fail } from "#base/errors.ts";
import { type Cursor, type PageRequest, parsePage, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import type { PackagePage, PackageQuery, PackageSummary } from "./model.ts";
import { parseSearch, type SearchTerms } from "./search-query.ts";
import { findLookalikes } from "./typos.ts";

/** A package as a search finds it. */
export type Hit = {
  id: number;
  name: string;
  latest: string | null;
  description: string;
  /** JSON */
  keywords: string;
  downloads: number;
  updated_at: number;
  tier: number;
  score: number;
};

/** Matches looked at. Ranking more would cost more than a page is worth; a better name is found by `named` all the same. */
const MAX_MATCHES = 1000;
const MAX_NAMED = 100;

type Sort = NonNullable<PackageQuery["sort"]>;
/** What a sort goes by: columns that together are never equal, all in one direction. */
const ORDERS: Record<Sort, { columns: readonly (keyof Hit)[]; direction: "ASC" | "DESC" }> = {
  relevance: { columns: ["tier", "score", "id"], direction: "ASC" },
  downloads: { columns: ["downloads", "id"], direction: "DESC" },
  updated: { columns: ["updated_at", "id"], direction: "DESC" },
  name: { columns: ["name"], direction: "ASC" },
};

/**
 * One page of the packages that match `q`, best first: the name itself, the name without its scope, names that begin so,
 * then by words. Where nothing matches, names one or two typos away. Without `q` all packages, last changed first.
 *
 * @throws unauthenticated, scope_missing, invalid_input for `limit`, `cursor` and `sort`
 */
export async function searchPackages(
  ctx: Ctx,
  actor: Actor | undefined,
  query: PackageQuery,
): Promise<PackagePage> {
  requireRead(ctx, actor, "list packages");
  const page = parsePage(query);
  const text = query.q?.trim() ?? "";
  if (text === "") return listAll(ctx, query.sort ?? "updated", page);
  const terms = parseSearch(text);
  if (!terms) return { items: [], next: null };
  const hits = await findHits(ctx, terms, query.sort ?? "relevance", page);
  if (hits.items.length > 0 || page.cursor) return hits;
  const lookalikes = await findLookalikes(ctx, terms);
  return { items: lookalikes.slice(0, page.limit).map(toSummary), next: null };
}

function listAll(ctx: Ctx, sort: Sort, page: PageRequest): Promise<PackagePage> {
  const source = "SELECT *, 0 AS tier, 0.0 AS score FROM packages";
  return readPage(ctx, source, [], sort === "relevance" ? "updated" : sort, page);
}

const MATCHES = `
  WITH matched (id, score) AS MATERIALIZED (
    SELECT rowid, bm25(package_words, 10.0, 4.0, 1.0) FROM package_words
    WHERE package_words MATCH ?1 LIMIT ${MAX_MATCHES}
  ), named (id, score) AS MATERIALIZED (
    SELECT id, 0.0 FROM packages WHERE canonical >= ?2 AND canonical < ?3 LIMIT ${MAX_NAMED}
  ), found (id, score) AS (
    SELECT id, min(score) FROM (SELECT * FROM matched UNION ALL SELECT * FROM named) GROUP BY id
  )
  SELECT packages.*, found.score * (1 + 0.1 * ln(1 + downloads)) AS score, CASE
      WHEN canonical = ?2 THEN 0
      WHEN substr(canonical, instr(canonical, '/') + 1) = ?2 THEN 1
      WHEN canonical >= ?2 AND canonical < ?3 THEN 2
      ELSE 3
    END AS tier
  FROM found JOIN packages ON packages.id = found.id`;

function findHits(
  ctx: Ctx,
  { match, canonical }: SearchTerms,
  sort: Sort,
  page: PageRequest,
): Promise<PackagePage> {
  // Canonical names are ASCII, so this is above every name that begins so.
  const end = canonical === "" ? "" : `${canonical}\uFFFF`;
  return readPage(ctx, MATCHES, [match, canonical, end], sort, page);
}

async function readPage(
  ctx: Ctx,
  source: string,
  params: readonly SQLQueryBindings[],
  sort: Sort,
  page: PageRequest,
): Promise<PackagePage> {
  const { columns, direction } = ORDERS[sort];
  const after = checkCursor(page.cursor, sort, columns.length);
  const places = columns.map((_, at) => `?${params.length + at + 2}`);
  const sign = direction === "ASC" ? ">" : "<";
  const rows = await ctx.db.search<Hit>(
    `SELECT * FROM (${source})
     ${after ? `WHERE (${columns.join(", ")}) ${sign} (${places.join(", ")})` : ""}
     ORDER BY ${columns.map((column) => `${column} ${direction}`).join(", ")}
     LIMIT ?${params.length + 1}`,
    [...params, page.limit + 1, ...(after ?? [])],
  );
  return toPage(rows, page, toSummary, (row) => [
    sort,
    ...columns.map((column) => row[column] ?? ""),
  ]);
}

/** A cursor goes with the sort it was made by. @throws invalid_input */
function checkCursor(cursor: Cursor | undefined, sort: Sort, length: number): Cursor | undefined {
  if (!cursor) return undefined;
  const [made, ...keys] = cursor;
  if (made === sort && keys.length === length) return keys;
  throw fail("invalid_input", { field: "cursor", problem: "it belongs to another search" });
}

function toSummary(hit: Hit): PackageSummary {
  const keywords: unknown = JSON.parse(hit.keywords);
  return {
    name: hit.name,
    version: hit.latest,
    description: hit.description,
    keywords: Array.isArray(keywords) ? keywords.map(String) : [],
    downloads: hit.downloads,
    updatedAt: new Date(hit.updated_at).toISOString(),
  };
}
