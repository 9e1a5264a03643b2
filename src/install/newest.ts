import type { Version } from "#base/names.ts";
import { compareVersions } from "#base/ranges.ts";
import type { IndexEntry } from "#remote/index-lines.ts";
import { runsOn } from "#solve/engines.ts";

import type { InstallOptions } from "./options.ts";
import { isTooNew } from "./policy.ts";

/**
 * The newest version that may be picked: not yanked, old enough, and runs on this land; a stable one if there is any. Undefined where
 * there is none.
 */
export function newestOf(
  entries: readonly IndexEntry[],
  { landVersion, security, now }: Pick<InstallOptions, "landVersion" | "security" | "now">,
): Version | undefined {
  const at = now();
  const usable = entries.filter(
    (entry) =>
      !entry.yanked &&
      runsOn(landVersion, entry.engines["land"] ?? "*") &&
      !isTooNew(entry, security, at),
  );
  const stable = usable.filter(({ version }) => !version.includes("-"));
  const pool = (stable.length > 0 ? stable : usable).map(({ version }) => version);
  return pool.toSorted(compareVersions).at(-1);
}
