import type { Ctx } from "#store/ctx.ts";

import type { SearchTerms } from "./search-query.ts";
import { nameParts, spellingsOf } from "./search-rows.ts";
import type { Hit } from "./search.ts";

const MAX_CANDIDATES = 200;

/** The packages whose name, or a word of it, is at most some typos away from what was searched: nearest first. */
export async function findLookalikes(ctx: Ctx, { canonical }: SearchTerms): Promise<Hit[]> {
  const wanted = canonical.slice(canonical.indexOf("/") + 1).replaceAll("@", "");
  if (wanted.length < 3) return [];
  const rows = await ctx.db.search<Hit>(CANDIDATES, [
    JSON.stringify(spellingsOf(wanted)),
    trigramsOf(wanted)
      .map((trigram) => `"${trigram}"`)
      .join(" OR "),
  ]);
  const allowed = wanted.length <= 5 ? 1 : wanted.length <= 10 ? 2 : 3;
  return rows
    .map((hit) => ({
      hit,
      distance: Math.min(...nameParts(hit.name).map((part) => countTypos(wanted, part, allowed))),
    }))
    .filter(({ distance }) => distance <= allowed)
    .toSorted(
      (a, b) => a.distance - b.distance || b.hit.downloads - a.hit.downloads || a.hit.id - b.hit.id,
    )
    .map(({ hit }) => hit);
}

/** Short words are found by a spelling that both share, long ones by the trigrams that their typos left whole. */
const CANDIDATES = `
  SELECT *, 0 AS tier, 0.0 AS score FROM packages WHERE id IN (
    SELECT package_id FROM (
      SELECT package_id FROM package_spellings
      WHERE spelling IN (SELECT value FROM json_each(?1)) LIMIT ${MAX_CANDIDATES}
    )
    UNION
    SELECT id FROM (
      SELECT rowid AS id FROM package_trigrams WHERE package_trigrams MATCH ?2
      ORDER BY rank LIMIT ${MAX_CANDIDATES}
    )
  )`;

function trigramsOf(word: string): string[] {
  return [...new Set(Array.from({ length: word.length - 2 }, (_, at) => word.slice(at, at + 3)))];
}

/**
 * How many letters must be put in, left out, replaced or swapped with their neighbour; some number above `most` where it
 * is more than that.
 *
 * @see https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance (optimal string alignment)
 */
export function countTypos(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
