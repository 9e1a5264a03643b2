import { compareVersions, isRange, parseRange, satisfies } from "#base/ranges.ts";
import type { IndexEntry } from "#remote/index-lines.ts";
import type { IndexesWanted } from "#remote/index-many.ts";
import { isPackageName } from "#solve/pack.ts";

import type { CachedIndex } from "./index-cache.ts";

/** Most packages that are looked for. */
const MAX_NAMES = 5000;

/**
 * What a registry is asked for at once: the packages of these requirements, and by the indexes that are known from before also
 * what their newest versions need, and so on; each with the ETag of what is known and the first range it is needed in.
 */
export function walkExpected(
  requirements: Readonly<Record<string, string>>,
  cached: (name: string) => CachedIndex | undefined,
): IndexesWanted {
  const wanted = new Map<string, { etag?: string; range?: string }>();
  const open = Object.entries(requirements);
  for (const [name, range] of open) {
    if (wanted.has(name) || wanted.size >= MAX_NAMES || !isPackageName(name)) continue;
    const known = cached(name);
    const asked = isRange(range) ? { range } : {};
    wanted.set(name, known ? { ...asked, etag: known.etag } : asked);
    const newest = known && newestIn(known.entries, range);
    if (newest)
      open.push(...Object.entries({ ...newest.dependencies, ...newest.optionalDependencies }));
  }
  return wanted;
}

/** What the solver will most likely pick. */
function newestIn(entries: readonly IndexEntry[], text: string): IndexEntry | undefined {
  if (!isRange(text)) return undefined;
  const range = parseRange(text);
  let best: IndexEntry | undefined;
  for (const entry of entries) {
    if (entry.yanked || (best && compareVersions(entry.version, best.version) < 0)) continue;
    if (satisfies(entry.version, range)) best = entry;
  }
  return best;
}
