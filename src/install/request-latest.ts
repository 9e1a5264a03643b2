import { parseVersion, type Version } from "#base/names.ts";
import { compareVersions, isRange, parseRange, satisfies } from "#base/ranges.ts";

/** A range that is one version and how far from it: `^1.2.0`, `~1.2.0`, `=1.2.0`, `1.2.0`. */
const STYLED = /^(\^|~|=?)\s*(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/;

/**
 * The range of a manifest that lets the newest version in, written as the old one was: exact stays exact, `~` stays `~`,
 * all else becomes `^`. Undefined where the old one stays: `*`, `1.x` and others that let it in already, one of a workspace,
 * and one that is about a newer version.
 */
export function rangeForNewest(range: string, newest: Version): string | undefined {
  if (!isRange(range)) return undefined;
  const [, style, base] = STYLED.exec(range.trim()) ?? [];
  if (style === undefined || base === undefined)
    return satisfies(newest, parseRange(range)) ? undefined : `^${newest}`;
  return compareVersions(parseVersion(base), newest) < 0 ? `${style}${newest}` : undefined;
}
