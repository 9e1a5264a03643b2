import { fail } from "#base/errors.ts";
import { type PackageName, parsePackageName, printable, type Version } from "#base/names.ts";
import { byName } from "#base/order.ts";
import { isWorkspaceRange } from "#pack/manifest-dependencies.ts";
import type { Manifest } from "#pack/manifest.ts";
import type { Workspace } from "#pack/workspace.ts";
import type { SolvedPackage, SolveInput } from "#solve/model.ts";
import { solve } from "#solve/solve.ts";

import { lockedManifestsOf } from "./lock-fit.ts";
import { type Lock, type LockedPackage } from "./lockfile.ts";
import { toSolve } from "./members.ts";
import type { Metadata } from "./metadata.ts";
import { type InstallOptions, REQUIREMENT_KINDS } from "./options.ts";
import { pinKeys } from "./pins.ts";
import { candidatesOf } from "./policy.ts";
import { questionOf, recallLock, rememberLock } from "./remembered.ts";

/** So long a registry may take over suggestions, once it is known that nothing fits. */
const PATIENCE_MS = 1000;

/**
 * The lock of a workspace after solving anew, locked versions preferred. Signatures were verified, and no version has other
 * bytes than the old lock knows. Members are no packages of it. What differs from the workspace `onDisk` is part of every
 * command that is suggested where nothing fits. Where versions were `chosen` already, they are preferred. What the same question led to
 * before is taken again where nothing it rested on is another.
 *
 * @throws no_solution, checksum_mismatch, signature_invalid, key_changed, signature_required, manifest_invalid,
 * workspace_invalid, network
 */
export async function resolveLock(
  options: InstallOptions,
  workspace: Workspace,
  old: Lock | undefined,
  metadata: Metadata,
  { onDisk, chosen }: { onDisk: Workspace; chosen?: ReadonlyMap<string, Version> | undefined },
): Promise<Lock> {
  const { root, members } = workspace;
  const locked = chosen ?? preferred(options, old);
  const fresh = freshNames(onDisk.root.manifest, root.manifest);
  const input = solveInputOf(options, workspace, locked, metadata);
  const question = chosen ? undefined : questionOf({ options, workspace, old, metadata });
  const recalled = question && (await recallLock(question));
  if (recalled) return recalled;
  metadata.expect(outsideOf(input.root, members));
  const result = await solve({ ...input, fresh });
  if (!result.ok) throw fail("no_solution", result.failure);
  const isMember = new Set<string>(members.map(({ name }) => name));
  const packages: LockedPackage[] = [];
  const warnings: string[] = [];
  const onEvent: InstallOptions["onEvent"] = (event) => {
    if (event.kind === "warn") warnings.push(event.problem);
    options.onEvent?.(event);
  };
  for (const solved of result.solution.packages)
    if (!isMember.has(solved.name))
      packages.push(await lockPackage({ ...options, onEvent }, solved, old, metadata));
  const manifests = [...lockedManifestsOf(root.manifest, members)];
  const lock: Lock = {
    manifests: new Map(
      manifests.map(([folder, manifest]) => {
        const unknown = old?.manifests.get(folder)?.unknown ?? [];
        return [folder, { ...manifest, unknown }];
      }),
    ),
    packages: packages.toSorted(byName),
    unknown: old?.unknown ?? [],
  };
  if (question) rememberLock(question, lock, warnings);
  return lock;
}

/** Names that a manifest asks for in another way than before. */
function freshNames(before: Manifest, after: Manifest): Set<string> {
  return new Set(
    REQUIREMENT_KINDS.flatMap((kind) =>
      Object.keys(after[kind]).filter(
        (name) =>
          before[kind][name] !== after[kind][name] && !isWorkspaceRange(after[kind][name] ?? ""),
      ),
    ),
  );
}

/** What the root asks registries for. */
export function outsideOf(
  root: SolveInput["root"],
  members: Workspace["members"],
): Record<string, string> {
  const wanted = { ...root.dependencies, ...root.devDependencies, ...root.optionalDependencies };
  for (const { name } of members) delete wanted[name];
  return wanted;
}

/**
 * The question to the solver for a project and its members; how many packages it asked about is told as it goes.
 *
 * @throws manifest_invalid, workspace_invalid
 */
export function solveInputOf(
  options: InstallOptions,
  workspace: Workspace,
  locked: ReadonlyMap<string, Version>,
  metadata: Metadata,
): SolveInput {
  refuseUnsolvable(workspace);
  options.onEvent?.({ kind: "resolve" });
  let packages = 0;
  const { root, memberOf } = toSolve(workspace);
  return {
    root,
    locked,
    mode: options.resolution,
    versionsOf: async (name) => {
      const member = memberOf(name);
      if (member) return [member];
      const entries = await metadata.versionsOf(name);
      options.onEvent?.({ kind: "resolve", packages: ++packages });
      return entries && candidatesOf(entries, options.security, options.now());
    },
    landVersion: options.landVersion,
    patience: () => new Promise((over) => void setTimeout(over, PATIENCE_MS).unref()),
  };
}

/** The versions to keep where possible: all but those that an update is about. @throws not_found for what is in no lock */
export function preferred({ mode }: InstallOptions, old: Lock | undefined): Map<string, Version> {
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
  if (entry.deprecated !== undefined && before?.version !== version)
    options.onEvent?.({
      kind: "warn",
      problem: `${name} ${version} is deprecated: ${printable(entry.deprecated)}`,
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

/** What stops here and not at publishing: entries of a package.json that land cannot solve, overrides of a member. */
function refuseUnsolvable({ root, members }: Workspace): void {
  const overridden = new Set<string>([
    ...Object.keys(root.manifest.overrides),
    ...root.manifest.scopedOverrides.map(({ name }) => name),
  ]);
  refuseFirst(root.manifest.file, root.manifest.unsolvable);
  for (const { folder, name, project } of members) {
    const { file, unsolvable } = project.manifest;
    const own = unsolvable.filter(({ field }) => !field.startsWith("overrides."));
    refuseFirst(`${folder}/${file}`, own);
    if (overridden.has(name))
      throw fail("workspace_invalid", {
        problem: `the overrides of the root name "${name}", which is its member in "${folder}"`,
      });
  }
}

function refuseFirst(file: string, [first]: Manifest["unsolvable"]): void {
  if (first) throw fail("manifest_invalid", { file, ...first });
}
