import type { PackageName, Version } from "#base/names.ts";
import { byName } from "#base/order.ts";
import { compareVersions, isRange, parseRange, satisfies } from "#base/ranges.ts";
import type { Manifest } from "#pack/manifest.ts";
import { readProject } from "#pack/project.ts";
import { findWorkspaceRoot, readWorkspace } from "#pack/workspace.ts";
import type { IndexEntry } from "#remote/index-lines.ts";
import { solveAlso } from "#solve/solve.ts";

import { filterRoots, type ProjectRoot, reachedFrom } from "./list-roots.ts";
import { listInstalled } from "./list.ts";
import type { LockedPackage } from "./lockfile.ts";
import { createMetadata, type Metadata } from "./metadata.ts";
import { newestOf } from "./newest.ts";
import type { InstallOptions, RequirementKind } from "./options.ts";
import { inParallel } from "./parallel.ts";
import { ownOf } from "./requirement-changes.ts";
import { outsideOf, solveInputOf } from "./resolve.ts";

/** Which part of a version is another. */
export type Jump = "major" | "minor" | "patch" | "prerelease";

/** Who asks for a package, and for what. */
export type Asker = {
  /** Of the project or member, relative to the root; `.` is the root. Absent for a package that asks. */
  folder?: string;
  name?: string;
  range: string;
  kind: RequirementKind;
};

/** A package of which something newer may be had, or whose version should not be used any more. */
export type OutdatedPackage = {
  name: PackageName;
  current: Version;
  /** What `land update` takes: with all others, the newest that all who ask allow. Never older than the current one. */
  wanted: Version;
  /** The newest version that may be picked at all. */
  latest: Version;
  /** From the current version to the latest; absent where it is the latest. */
  jump?: Jump;
  /** Whether only packages ask for it, and neither the project nor a member. */
  indirect: boolean;
  askers: Asker[];
  /** Whether the current version was yanked. */
  yanked: boolean;
  /** What its owners say about the current version; not made safe for a terminal. */
  deprecated?: string;
};

/** Which packages are looked at. */
export type OutdatedFlags = {
  /** Also what only packages ask for. */
  all: boolean;
  /** Members of the workspace, by name or folder. */
  filter: readonly string[];
};

/**
 * The packages of land.lock that are not the newest, sorted by name; also those whose version was yanked or deprecated. The registries'
 * indexes are read in parallel, by ETag. Where what the project asks cannot be solved, that is told as a warning, and `wanted` is the
 * newest version within all ranges.
 *
 * @throws lock_missing, not_found for a filter that fits nothing, manifest_missing, lock_invalid, registry_untrusted, network
 */
export async function findOutdated(
  options: InstallOptions,
  { all, filter }: OutdatedFlags,
): Promise<{ packages: OutdatedPackage[]; checked: number }> {
  const { project, lock, roots } = await listInstalled(options.dir);
  const wanted = filterRoots(roots, filter);
  const metadata = createMetadata(options, lock);
  const everything = lock?.packages ?? [];
  const reached = all && filter.length > 0 ? reachedFrom(wanted, everything) : undefined;
  const locked = everything.filter(({ name }) =>
    all ? (reached?.has(name) ?? true) : askersOf(wanted, name).length > 0,
  );
  const taken = locked.length === 0 ? undefined : await takenByUpdate(options, metadata);
  const about = { options, manifest: project.manifest, roots, taken };
  const indexes = new Map<string, readonly IndexEntry[]>();
  await inParallel(locked, options.concurrency * 2, async ({ name }) => {
    const entries = await metadata.versionsOf(name);
    if (entries) indexes.set(name, entries);
  });
  const packages = locked.flatMap((item) => outdatedOf(about, item, indexes, everything) ?? []);
  return { packages: packages.toSorted(byName), checked: locked.length };
}

type About = {
  options: InstallOptions;
  manifest: Manifest;
  roots: readonly ProjectRoot[];
  /** What an update would take; undefined where none can be. */
  taken: ReadonlyMap<string, Version> | undefined;
};

/** The versions that an update of everything would take; undefined where the project cannot be solved. */
async function takenByUpdate(
  options: InstallOptions,
  metadata: Metadata,
): Promise<ReadonlyMap<string, Version> | undefined> {
  const workspace = await readWorkspace(await readProject(await findWorkspaceRoot(options.dir)));
  const input = solveInputOf(options, workspace, new Map(), metadata);
  metadata.expect(outsideOf(input.root, workspace.members));
  const result = await solveAlso(input, { suggestions: false });
  if (result.ok)
    return new Map(result.solution.packages.map(({ name, version }) => [name, version]));
  const problem =
    "An update of all finds no versions that fit together: what is told as wanted or in range is by ranges alone";
  options.onEvent?.({ kind: "warn", problem });
  return undefined;
}

function outdatedOf(
  { options, manifest, roots, taken }: About,
  { name, version: current }: LockedPackage,
  indexes: ReadonlyMap<string, readonly IndexEntry[]>,
  locked: readonly LockedPackage[],
): OutdatedPackage | undefined {
  const entries = indexes.get(name);
  if (!entries) return undefined;
  const direct = askersOf(roots, name);
  const askers = direct.length > 0 ? direct : packagesThatAsk(name, locked, indexes);
  const override = ownOf(manifest.overrides, name);
  const ranges = override === undefined ? askers.map(({ range }) => range) : [override];
  const inRange = entries.filter(({ version }) =>
    ranges.every((range) => isRange(range) && satisfies(version, parseRange(range))),
  );
  const own = entries.find(({ version }) => version === current);
  const wanted = newerOf(current, taken ? taken.get(name) : newestOf(inRange, options));
  const latest = newerOf(wanted, newestOf(entries, options));
  const jump = jumpOf(current, latest);
  if (!jump && own?.yanked !== true && own?.deprecated === undefined) return undefined;
  return {
    name,
    current,
    wanted,
    latest,
    ...(jump && { jump }),
    indirect: direct.length === 0,
    askers,
    yanked: own?.yanked === true,
    ...(own?.deprecated !== undefined && { deprecated: own.deprecated }),
  };
}

/** Requirements on a package by the project and its members. */
function askersOf(roots: readonly ProjectRoot[], name: string): Asker[] {
  return roots.flatMap(({ folder, name: own, requirements }): Asker[] => {
    const found = requirements.find((requirement) => requirement.name === name);
    if (!found) return [];
    const { range, kind } = found;
    return [{ folder, ...(own !== undefined && { name: own }), range, kind }];
  });
}

function packagesThatAsk(
  name: PackageName,
  locked: readonly LockedPackage[],
  indexes: ReadonlyMap<string, readonly IndexEntry[]>,
): Asker[] {
  return locked.flatMap((item): Asker[] => {
    if (!item.dependencies.includes(name)) return [];
    const entry = indexes.get(item.name)?.find(({ version }) => version === item.version);
    const optional = ownOf(entry?.optionalDependencies ?? {}, name);
    const range = optional ?? ownOf(entry?.dependencies ?? {}, name);
    const kind = optional === undefined ? "dependencies" : "optionalDependencies";
    return range === undefined ? [] : [{ name: item.name, range, kind }];
  });
}

function newerOf(current: Version, found: Version | undefined): Version {
  return found !== undefined && compareVersions(found, current) > 0 ? found : current;
}

/** Which part of the version is another at a later one; undefined where they are the same. */
export function jumpOf(from: Version, to: Version): Jump | undefined {
  if (compareVersions(from, to) === 0) return undefined;
  const [before = [], after = []] = [from, to].map((text) => text.split("-", 1)[0]?.split("."));
  const at = before.findIndex((part, index) => part !== after[index]);
  return (["major", "minor", "patch"] as const)[at] ?? "prerelease";
}
