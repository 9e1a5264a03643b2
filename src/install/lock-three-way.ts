import { fail } from "#base/errors.ts";
import { byName, byText } from "#base/order.ts";
import { compareVersions } from "#base/ranges.ts";

import {
  type Lock,
  type LockedManifest,
  type LockedPackage,
  REQUIREMENT_KEYS,
  type Unknown,
} from "./lockfile.ts";

/**
 * Both sides of a lock together. What one side changed, added or took away and the other left as it was in `base` is as
 * that side has it; where both changed a package, the newer version stays. Without a base nothing counts as taken away.
 * Nothing comes out that neither side has. It may not fit the manifest: whoever installs solves again, with these versions
 * preferred.
 *
 * @throws lock_invalid where the sides disagree on the bytes of one version: then one of them is wrong, and only a person
 * can tell which
 */
export function mergeLocks(base: Lock | undefined, ours: Lock, theirs: Lock): Lock {
  return {
    manifests: mergeMaps(base?.manifests, ours.manifests, theirs.manifests, mergeManifest),
    packages: [
      ...mergeMaps(packagesOf(base), packagesOf(ours), packagesOf(theirs), mergePackage).values(),
    ].toSorted(byName),
    unknown: mergeUnknown(base?.unknown, ours.unknown, theirs.unknown),
  };
}

type Merge<T> = (base: T | undefined, ours: T, theirs: T) => T;

/** Merges by key. `both` merges what both sides have and is not alike. */
function mergeMaps<K extends string, T>(
  base: ReadonlyMap<K, T> | undefined,
  ours: ReadonlyMap<K, T>,
  theirs: ReadonlyMap<K, T>,
  both: Merge<T>,
): Map<K, T> {
  const merged = new Map<K, T>();
  for (const key of [...new Set([...ours.keys(), ...theirs.keys()])].toSorted(byText)) {
    const [before, own, other] = [base?.get(key), ours.get(key), theirs.get(key)];
    if (own !== undefined && other !== undefined) merged.set(key, both(before, own, other));
    else {
      const left = own ?? other;
      // The side that lacks it took it away, unless it came or changed since.
      if (left !== undefined && (before === undefined || !isAlike(left, before)))
        merged.set(key, left);
    }
  }
  return merged;
}

function packagesOf(lock: Lock | undefined): Map<string, LockedPackage> {
  return new Map(lock?.packages.map((item) => [item.name, item]));
}

const mergePackage: Merge<LockedPackage> = (base, ours, theirs) => {
  const order = compareVersions(ours.version, theirs.version);
  if (order === 0 && ours.digest !== theirs.digest)
    throw fail("lock_invalid", {
      problem: `the two sides of its conflict disagree on the bytes of "${ours.name}@${ours.version}": ${ours.digest} and ${theirs.digest}`,
    });
  const keys = mergeSets(base?.keys, ours.keys, theirs.keys);
  if (order !== 0) return { ...changedSide(base, ours, theirs, order > 0), keys };
  return {
    ...changedSide(base, ours, theirs, true),
    registry: changedSide(base?.registry, ours.registry, theirs.registry, true),
    keys,
    dependencies: mergeSets(base?.dependencies, ours.dependencies, theirs.dependencies),
    unknown: mergeUnknown(base?.unknown, ours.unknown, theirs.unknown),
  };
};

/** The side that changed something; where both did, or it cannot be told, ours if `preferOurs`. */
function changedSide<T>(base: T | undefined, ours: T, theirs: T, preferOurs: boolean): T {
  if (base !== undefined && isAlike(ours, base)) return theirs;
  if (base !== undefined && isAlike(theirs, base)) return ours;
  return preferOurs ? ours : theirs;
}

const mergeManifest: Merge<LockedManifest> = (base, ours, theirs) => {
  const unknown = mergeUnknown(base?.unknown, ours.unknown, theirs.unknown);
  const merged: LockedManifest = {
    dependencies: [],
    devDependencies: [],
    optionalDependencies: [],
    overrides: [],
    unknown,
  };
  for (const key of REQUIREMENT_KEYS)
    merged[key] = [
      ...mergeMaps(
        base && requirementsOf(base[key]),
        requirementsOf(ours[key]),
        requirementsOf(theirs[key]),
        (before, own, other) => changedSide(before, own, other, true),
      ).values(),
    ].toSorted(byText);
  return merged;
};

/** `left@^1.2.0` by what stands before its last `@`. */
function requirementsOf(texts: readonly string[]): Map<string, string> {
  return new Map(texts.map((text) => [text.slice(0, text.lastIndexOf("@")), text]));
}

function mergeSets<T extends string>(
  base: readonly T[] | undefined,
  ours: readonly T[],
  theirs: readonly T[],
): T[] {
  const mapOf = (list: readonly T[]): Map<T, T> => new Map(list.map((item) => [item, item]));
  return [...mergeMaps(base && mapOf(base), mapOf(ours), mapOf(theirs), (_, own) => own).values()];
}

function mergeUnknown(base: Unknown | undefined, ours: Unknown, theirs: Unknown): Unknown {
  return [
    ...mergeMaps(base && new Map(base), new Map(ours), new Map(theirs), (before, own, other) =>
      changedSide(before, own, other, true),
    ),
  ];
}

/** Moments have no members to compare, but texts. */
function isAlike(one: unknown, other: unknown): boolean {
  return Bun.deepEquals(one, other, true) && JSON.stringify(one) === JSON.stringify(other);
}
