import { fail } from "#base/errors.ts";
import { type PackageName, parsePackageName, type Version } from "#base/names.ts";
import { byName } from "#base/order.ts";
import { isWorkspaceRange } from "#pack/manifest-dependencies.ts";
import type { Manifest } from "#pack/manifest.ts";
import type { SolvedPackage, SolveInput } from "#solve/model.ts";
import { solve } from "#solve/solve.ts";

import { lockedManifestOf, ROOT_FOLDER } from "./lock-fit.ts";
import { type Lock, type LockedPackage } from "./lockfile.ts";
import type { Metadata } from "./metadata.ts";
import type { InstallOptions } from "./options.ts";
import { pinKeys } from "./pins.ts";
import { candidatesOf } from "./policy.ts";

/**
 * The lock of a project after solving anew, locked versions preferred. Signatures were verified, and no version has other
 * bytes than the old lock knows.
 *
 * @throws no_solution, checksum_mismatch, signature_invalid, key_changed, signature_required, manifest_invalid, network
 */
export async function resolveLock(
  options: InstallOptions,
  manifest: Manifest,
  old: Lock | undefined,
  metadata: Metadata,
): Promise<Lock> {
  const locked = preferred(options, old);
  const result = await solve(solveInputOf(options, manifest, locked, metadata));
  if (!result.ok) throw fail("no_solution", result.failure);
  const packages: LockedPackage[] = [];
  for (const solved of result.solution.packages)
    packages.push(await lockPackage(options, solved, old, metadata));
  const before = old?.manifests.get(ROOT_FOLDER);
  const own = { ...lockedManifestOf(manifest), unknown: before?.unknown ?? [] };
  return {
    manifests: new Map([...(old?.manifests ?? []), [ROOT_FOLDER, own]]),
    packages: packages.toSorted(byName),
    unknown: old?.unknown ?? [],
  };
}

/** The question to the solver for a project; how many packages it asked about is told as it goes. @throws manifest_invalid */
export function solveInputOf(
  options: InstallOptions,
  manifest: Manifest,
  locked: ReadonlyMap<string, Version>,
  metadata: Metadata,
): SolveInput {
  refuseUnsolvable(manifest);
  options.onEvent?.({ kind: "resolve" });
  let packages = 0;
  return {
    root: manifest,
    locked,
    mode: options.resolution,
    versionsOf: async (name) => {
      const entries = await metadata.versionsOf(name);
      options.onEvent?.({ kind: "resolve", packages: ++packages });
      return entries && candidatesOf(entries, options.security, options.now());
    },
    landVersion: options.landVersion,
  };
}

/** The versions to keep where possible: all but those that an update is about. */
function preferred({ mode }: InstallOptions, old: Lock | undefined): Map<string, Version> {
  const locked = new Map<string, Version>(
    old?.packages.map(({ name, version }) => [name, version]),
  );
  if (mode.kind !== "update") return locked;
  if (mode.names.length === 0) return new Map();
  for (const typed of mode.names) {
    const name = parsePackageName(typed);
    if (!locked.delete(name)) throw fail("not_found", { what: `"${name}" in land.lock` });
  }
  return locked;
}

async function lockPackage(
  options: InstallOptions,
  { name: solved, version, dependencies }: SolvedPackage,
  old: Lock | undefined,
  metadata: Metadata,
): Promise<LockedPackage> {
  const name: PackageName = parsePackageName(solved);
  const entries = await metadata.versionsOf(name);
  const entry = entries?.find((candidate) => candidate.version === version);
  if (!entry) throw fail("version_not_found", { name, version });
  const before = old?.packages.find((locked) => locked.name === name);
  if (before?.version === version && before.digest !== entry.digest)
    throw fail("checksum_mismatch", {
      what: `"${name}@${version}" as its registry tells of it now`,
      expected: before.digest,
      actual: entry.digest,
    });
  const registry = metadata.registryOf(name);
  return {
    name,
    version,
    registry,
    digest: entry.digest,
    keys: await pinKeys(options, { name, registry, entry, pinned: before?.keys ?? [] }),
    dependencies: dependencies.map(parsePackageName),
    unknown: before?.unknown ?? [],
  };
}

function refuseUnsolvable(manifest: Manifest): void {
  const { file, dependencies, devDependencies, optionalDependencies, unsolvable } = manifest;
  const [first] = unsolvable;
  if (first) throw fail("manifest_invalid", { file, ...first });
  for (const [key, map] of Object.entries({ dependencies, devDependencies, optionalDependencies }))
    for (const [name, range] of Object.entries(map))
      if (isWorkspaceRange(range))
        throw fail("manifest_invalid", {
          file,
          field: `${key}.${name}`,
          problem: `is "${range}", but no member of a workspace has that name`,
        });
}
