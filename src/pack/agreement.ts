import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { byText } from "#base/order.ts";

import type { Manifest } from "./manifest.ts";

/** What npm clients and land would install differently if the two files said different things. */
const FIELDS = ["name", "version", "dependencies", "optionalDependencies", "bin"] as const;

/**
 * Checks that `land.json` and `package.json` of one package say the same of what both kinds of client act on.
 *
 * @throws manifest_invalid naming the field
 */
export function checkAgreement(land: Manifest, npm: Manifest): void {
  for (const field of FIELDS) {
    const [ours, theirs] = [canonical(land[field]), canonical(npm[field])];
    if (ours !== theirs)
      throw fail("manifest_invalid", {
        file: npm.file,
        field,
        problem: `is ${printable(theirs)}, but ${printable(ours)} in ${land.file}`,
      });
  }
}

/** JSON with sorted keys; "missing" where there is no value. */
function canonical(value: Manifest[(typeof FIELDS)[number]]): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return JSON.stringify(value);
  return JSON.stringify(
    Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => byText(a, b))),
  );
}
