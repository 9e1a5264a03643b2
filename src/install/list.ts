import { readdirSync } from "node:fs";
import { join } from "node:path";

import type { Digest, PackageName, Version } from "#base/names.ts";
import { byName, byText } from "#base/order.ts";
import { type Project, readProject } from "#pack/project.ts";
import { findWorkspaceRoot } from "#pack/workspace.ts";
import { readTextIfAny } from "#store/files.ts";

import { isFolder } from "./commit.ts";
import { type ProjectRoot, readRoots } from "./list-roots.ts";
import { type Lock, parseLock } from "./lockfile.ts";
import type { Placed } from "./marker.ts";
import type { NamedVersion } from "./options.ts";
import { changeOf, heldBy, readTree } from "./tree.ts";

/** A package in the tree of a project. */
export type InstalledPackage = {
  name: PackageName;
  version: Version;
  digest: Digest;
  /** Names, sorted; empty where the lock does not know this version. */
  dependencies: PackageName[];
};

/** What a project has, and what it should have. */
export type Installed = {
  project: Project;
  lock: Lock | undefined;
  /** The project first, then the members of its workspace. */
  roots: ProjectRoot[];
  /** What stands in the tree, sorted by name. */
  packages: InstalledPackage[];
  /** What the lock names and the tree does not hold, or holds in another version; sorted by name. */
  missing: NamedVersion[];
  /** What the tree holds and the lock does not name; without a version where land did not put it there. Sorted by name. */
  extraneous: { name: string; version?: Version }[];
};

/**
 * What stands in the tree of a project, or of the workspace it belongs to, with the edges of its lock. Empty before the first
 * install.
 *
 * @throws manifest_missing, manifest_invalid, workspace_invalid, lock_invalid, lock_version_unknown
 */
export async function listInstalled(dir: string): Promise<Installed> {
  const project = await readProject(await findWorkspaceRoot(dir));
  const text = await readTextIfAny(join(project.dir, "land.lock"));
  const lock = text === undefined ? undefined : parseLock(text);
  const roots = await readRoots(project);
  const installDir = join(project.dir, project.installDir);
  const tree = await readTree(installDir);
  const held = heldBy(tree);
  const { placed } = held;
  const locked = new Map(lock?.packages.map((item) => [item.name, item]));
  const packages = [...placed].map(([name, { version, digest }]): InstalledPackage => {
    const known = locked.get(name);
    const dependencies = known?.digest === digest ? known.dependencies : [];
    return { name, version, digest, dependencies };
  });
  const { result } = changeOf(
    { rootDir: project.dir, installDir, windows: process.platform === "win32" },
    held,
    lock ?? { packages: [], manifests: new Map(), unknown: [] },
    held.links,
  );
  const strange = tree.kind === "own" ? strangeNames(installDir, placed, roots) : [];
  return {
    project,
    lock,
    roots,
    packages: packages.toSorted(byName),
    missing: [...result.added, ...result.changed]
      .map(({ name, version }) => ({ name, version }))
      .toSorted(byName),
    extraneous: [...(lock ? result.removed : []), ...strange].toSorted(byName),
  };
}

/** Folders in the tree that land did not put there. What begins with a dot belongs to tools. */
function strangeNames(
  installDir: string,
  placed: Placed,
  roots: readonly ProjectRoot[],
): { name: string }[] {
  const known = new Set<string>([...placed.keys(), ...roots.flatMap(({ name }) => name ?? [])]);
  return foldersIn(installDir)
    .flatMap((name) =>
      name.startsWith("@")
        ? foldersIn(join(installDir, name)).map((own) => `${name}/${own}`)
        : [name],
    )
    .filter((name) => !known.has(name))
    .map((name) => ({ name }));
}

function foldersIn(dir: string): string[] {
  if (!isFolder(dir)) return [];
  return readdirSync(dir)
    .filter((name) => !name.startsWith(".") && isFolder(join(dir, name)))
    .toSorted(byText);
}
