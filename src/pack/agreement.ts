import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { byText } from "#base/order.ts";

import type { Manifest } from "./manifest.ts";

/** What clients act on: where two manifests of one package differ in these, one of them lies. */
const FIELDS = ["name", "version", "dependencies", "optionalDependencies", "bin"] as const;
type Field = (typeof FIELDS)[number];

/** The first field that clients act on in which two manifests differ, and what each says, safe for a terminal. */
export function findDifference(
  one: Pick<Manifest, Field>,
  other: Pick<Manifest, Field>,
): { field: Field; one: string; other: string } | undefined {
  for (const field of FIELDS) {
    const [left, right] = [canonical(one[field]), canonical(other[field])];
    if (left !== right) return { field, one: printable(left), other: printable(right) };
  }
  return undefined;
}

/**
 * Checks that `land.json` and `package.json` of one package say the same of what both kinds of client act on.
 *
 * @throws manifest_invalid naming the field
 */
export function checkAgreement(land: Manifest, npm: Manifest): void {
  const differs = findDifference(npm, land);
  if (!differs) return;
  const { field, one, other } = differs;
  const problem = `is ${one}, but ${other} in ${land.file}`;
  throw fail("manifest_invalid", { file: npm.file, field, problem });
}

/** JSON with sorted keys; "missing" where there is no value. */
function canonical(value: Manifest[Field]): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return JSON.stringify(value);
  return JSON.stringify(
    Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => byText(a, b))),
  );
}
