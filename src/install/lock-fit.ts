import { printable, type Version } from "#base/names.ts";
import { byText } from "#base/order.ts";
import { isRange, parseRange, satisfies } from "#base/ranges.ts";
import type { Manifest } from "#pack/manifest.ts";

import {
  type Lock,
  type LockedManifest,
  REQUIREMENT_KEYS,
  type RequirementKey,
} from "./lockfile.ts";

/** The folder of the project itself in a lock. */
export const ROOT_FOLDER = ".";

/** What a manifest asks for, in the form a lock records it. */
export function lockedManifestOf(manifest: Manifest): LockedManifest {
  const texts = (key: RequirementKey): string[] =>
    Object.entries(manifest[key])
      .map(([name, range]) => `${name}@${range}`)
      .toSorted(byText);
  return {
    dependencies: texts("dependencies"),
    devDependencies: texts("devDependencies"),
    optionalDependencies: texts("optionalDependencies"),
    overrides: texts("overrides"),
    unknown: [],
  };
}

/**
 * What stands between a lock and a manifest, one short sentence each; empty where the lock can be installed as it is.
 * The lock itself is looked at too: a merge by version control may have left it without a package that it needs.
 */
export function differencesOf(lock: Lock, manifest: Manifest): string[] {
  const locked = lock.manifests.get(ROOT_FOLDER);
  if (!locked) return ["it records no requirements of this project"];
  const asked = lockedManifestOf(manifest);
  const differences = REQUIREMENT_KEYS.flatMap((key) =>
    differenceOf(key, new Set(locked[key]), new Set(asked[key])),
  );
  return differences.length > 0 ? differences : gapsOf(lock, manifest);
}

function differenceOf(key: RequirementKey, locked: Set<string>, asked: Set<string>): string[] {
  const kind = key === "dependencies" ? "" : ` of ${key}`;
  return [
    ...[...asked.difference(locked)].map((text) => `"${printable(text)}"${kind} is not in it`),
    ...[...locked.difference(asked)].map(
      (text) => `"${printable(text)}"${kind} is no longer asked for`,
    ),
  ];
}

function gapsOf(lock: Lock, manifest: Manifest): string[] {
  const versions = new Map<string, Version>(
    lock.packages.map(({ name, version }) => [name, version]),
  );
  const gaps: string[] = [];
  for (const [name, range] of Object.entries({
    ...manifest.devDependencies,
    ...manifest.dependencies,
  })) {
    if (Object.hasOwn(manifest.optionalDependencies, name)) continue;
    const version = versions.get(name);
    const wanted = manifest.overrides[name] ?? range;
    if (version === undefined) gaps.push(`"${name}" is missing in it`);
    else if (!isRange(wanted) || !satisfies(version, parseRange(wanted)))
      gaps.push(`its "${name}@${version}" is not in "${wanted}"`);
  }
  const reached = reachedFrom(lock, manifest);
  for (const name of reached) if (!versions.has(name)) gaps.push(`"${name}" is missing in it`);
  for (const name of versions.keys())
    if (!reached.has(name)) gaps.push(`nothing needs its "${name}"`);
  return [...new Set(gaps)];
}

/** All names that the project needs by the lock's own edges. */
function reachedFrom(lock: Lock, manifest: Manifest): Set<string> {
  const edges = new Map<string, string[]>(
    lock.packages.map(({ name, dependencies }) => [name, dependencies]),
  );
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const reached = new Set<string>();
  const optional = Object.keys(optionalDependencies).filter((name) => edges.has(name));
  const required = Object.keys({ ...devDependencies, ...dependencies }).filter(
    (name) => !Object.hasOwn(optionalDependencies, name),
  );
  const open = [...required, ...optional];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    open.push(...(edges.get(name) ?? []));
  }
  return reached;
}
