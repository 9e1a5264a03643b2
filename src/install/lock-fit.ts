import { printable, type Version } from "#base/names.ts";
import { byText } from "#base/order.ts";
import { isRange, parseRange, satisfies } from "#base/ranges.ts";
import { isWorkspaceRange } from "#pack/manifest-dependencies.ts";
import type { Manifest, ScopedOverride } from "#pack/manifest.ts";
import type { Member } from "#pack/workspace.ts";

import {
  type Lock,
  type LockedManifest,
  REQUIREMENT_KEYS,
  type RequirementKey,
} from "./lockfile.ts";
import type { InstallResult } from "./options.ts";
import { namesReachedFrom } from "./reach.ts";

/** The folder of the project itself in a lock. */
export const ROOT_FOLDER = ".";

/** What a manifest asks for, in the form a lock records it. Overrides count from the root alone. */
function lockedManifestOf(manifest: Manifest, isRoot = true): LockedManifest {
  const texts = (key: RequirementKey): string[] =>
    Object.entries(manifest[key]).map(([name, range]) => `${name}@${range}`);
  const overrides = [...texts("overrides"), ...manifest.scopedOverrides.map(scopedText)];
  return {
    dependencies: texts("dependencies").toSorted(byText),
    devDependencies: texts("devDependencies").toSorted(byText),
    optionalDependencies: texts("optionalDependencies").toSorted(byText),
    overrides: isRoot ? overrides.toSorted(byText) : [],
    unknown: [],
  };
}

/** `parent@^2>name@1.0`. */
function scopedText({ parent, parentRange, name, range }: ScopedOverride): string {
  return `${parent}${parentRange === undefined ? "" : `@${parentRange}`}>${name}@${range}`;
}

/** What every manifest of a workspace asks for, by folder, as a lock records it. */
export function lockedManifestsOf(
  root: Manifest,
  members: readonly Member[],
): Map<string, LockedManifest> {
  return new Map([
    [ROOT_FOLDER, lockedManifestOf(root)],
    ...members.map(({ folder, project }): [string, LockedManifest] => [
      folder,
      lockedManifestOf(project.manifest, false),
    ]),
  ]);
}

/**
 * What stands between a lock and the manifests of a project and its members, one short sentence each; empty where the lock
 * can be installed as it is. The lock itself is looked at too: a merge by version control may have left it without a package
 * that it needs.
 */
export function differencesOf(
  lock: Lock,
  root: Manifest,
  members: readonly Member[] = [],
): string[] {
  const asked = lockedManifestsOf(root, members);
  if (!lock.manifests.has(ROOT_FOLDER)) return ["it records no requirements of this project"];
  const differences: string[] = [];
  for (const [folder, wanted] of asked) {
    const locked = lock.manifests.get(folder);
    const where = folder === ROOT_FOLDER ? "" : ` of "${printable(folder)}"`;
    if (!locked) differences.push(`the member "${printable(folder)}" is not in it`);
    else
      for (const key of REQUIREMENT_KEYS)
        differences.push(...differenceOf(key, new Set(locked[key]), new Set(wanted[key]), where));
  }
  for (const folder of lock.manifests.keys())
    if (!asked.has(folder)) differences.push(`its "${printable(folder)}" is no member any more`);
  return differences.length > 0 ? differences : gapsOf(lock, root, members);
}

function differenceOf(
  key: RequirementKey,
  locked: Set<string>,
  asked: Set<string>,
  where: string,
): string[] {
  const kind = key === "dependencies" ? where : ` of ${key}${where}`;
  return [
    ...[...asked.difference(locked)].map((text) => `"${printable(text)}"${kind} is not in it`),
    ...[...locked.difference(asked)].map(
      (text) => `"${printable(text)}"${kind} is no longer asked for`,
    ),
  ];
}

type Versions = ReadonlyMap<string, Version>;

function gapsOf(lock: Lock, root: Manifest, members: readonly Member[]): string[] {
  const locked: Versions = new Map(lock.packages.map(({ name, version }) => [name, version]));
  const local: Versions = new Map(members.map(({ name, version }) => [name, version]));
  const gaps: string[] = [];
  for (const name of local.keys()) if (locked.has(name)) gaps.push(`its "${name}" is a member now`);
  for (const manifest of [root, ...members.map(({ project }) => project.manifest)])
    gaps.push(...unmetOf(manifest, root, locked, local));
  const reached = reachedFrom(lock, [root, ...members.map(({ project }) => project.manifest)]);
  for (const name of reached)
    if (!locked.has(name) && !local.has(name)) gaps.push(`"${name}" is missing in it`);
  for (const name of locked.keys())
    if (!reached.has(name)) gaps.push(`nothing needs its "${name}"`);
  return [...new Set(gaps)];
}

/** What one manifest asks for and does not get. */
function unmetOf(manifest: Manifest, root: Manifest, locked: Versions, local: Versions): string[] {
  const gaps: string[] = [];
  const { devDependencies, dependencies, optionalDependencies } = manifest;
  for (const [name, range] of Object.entries({ ...devDependencies, ...dependencies })) {
    if (Object.hasOwn(optionalDependencies, name)) continue;
    const member = local.get(name);
    // What only the workspace understands was held against its members before.
    if (member !== undefined && isWorkspaceRange(range)) continue;
    const version = member ?? locked.get(name);
    const wanted = wantedOf(root, manifest, name, range);
    if (version === undefined) gaps.push(`"${name}" is missing in it`);
    else if (!wanted.some((one) => isRange(one) && satisfies(version, parseRange(one))))
      gaps.push(
        member === undefined
          ? `its "${name}@${version}" is not in "${wanted[0]}"`
          : `the member "${name}" is ${version}, which is not in "${wanted[0]}"`,
      );
  }
  return gaps;
}

/** The ranges of which one must hold for what a manifest asks for, overrides in place. */
function wantedOf(root: Manifest, manifest: Manifest, name: string, range: string): string[] {
  const scoped = root.scopedOverrides
    .filter((override) => override.parent === manifest.name && override.name === name)
    .map((override) => override.range);
  return [...scoped, root.overrides[name] ?? range];
}

/** All names that the manifests need by the lock's own edges. */
function reachedFrom(lock: Lock, manifests: readonly Manifest[]): Set<string> {
  const present = new Set<string>(lock.packages.map(({ name }) => name));
  const asked = manifests.flatMap((manifest) => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const optional = Object.keys(optionalDependencies).filter((name) => present.has(name));
    const required = Object.keys({ ...devDependencies, ...dependencies }).filter(
      (name) => !Object.hasOwn(optionalDependencies, name),
    );
    return [...required, ...optional];
  });
  return namesReachedFrom(asked, lock.packages);
}

/** What changes from one lock to another. */
export function changesOfLock(before: Lock | undefined, after: Lock): InstallResult {
  const result: InstallResult = { added: [], removed: [], changed: [], unchanged: 0 };
  const old = new Map(before?.packages.map((locked) => [locked.name, locked]));
  for (const { name, version, digest } of after.packages) {
    const known = old.get(name);
    old.delete(name);
    if (!known) result.added.push({ name, version });
    else if (known.version === version && known.digest === digest) result.unchanged += 1;
    else result.changed.push({ name, version, from: known.version });
  }
  for (const { name, version } of old.values()) result.removed.push({ name, version });
  return result;
}
