import { isVersion } from "#base/names.ts";
import { isRange, parseRange, satisfies } from "#base/ranges.ts";

/**
 * Whether the running land is one that an `engines.land` asks for. A pre-release of land counts as the release it leads to;
 * what is no range asks for nothing.
 */
export function runsOn(landVersion: string, engine: string): boolean {
  if (!isRange(engine)) return true;
  const range = parseRange(engine);
  const release = landVersion.replace(/-.*$/, "");
  return [landVersion, release].some((version) => isVersion(version) && satisfies(version, range));
}
