import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import type { PublishableManifest } from "#pack/manifest.ts";

/** What clients act on: where the two manifests differ in these, one of them lies. */
const FIELDS = ["name", "version", "dependencies", "optionalDependencies", "bin"] as const;

/**
 * Checks that a manifest sent beside an archive tells what the archive's own does.
 *
 * @throws manifest_mismatch naming the field
 */
export function requireSameManifest(
  sent: PublishableManifest,
  archived: PublishableManifest,
): void {
  for (const field of FIELDS) {
    const [theirs, ours] = [canonical(sent[field]), canonical(archived[field])];
    if (theirs !== ours)
      throw fail("manifest_mismatch", {
        field,
        sent: printable(theirs),
        archive: printable(ours),
      });
  }
}

/** A text as it is, a map as JSON with sorted keys. */
function canonical(value: string | Readonly<Record<string, string>>): string {
  if (typeof value === "string") return value;
  return JSON.stringify(
    Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  );
}
