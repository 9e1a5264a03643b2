import { join } from "node:path";

import type { Digest, PackageName, Version } from "#base/names.ts";
import { byName } from "#base/order.ts";
import { readProject } from "#pack/project.ts";
import { readTextIfAny } from "#store/files.ts";

import { parseLock } from "./lockfile.ts";
import { readTree } from "./tree.ts";

/** A package in the tree of a project. */
export type InstalledPackage = {
  name: PackageName;
  version: Version;
  digest: Digest;
  /** Names, sorted; empty where the lock does not know this version. */
  dependencies: PackageName[];
};

/**
 * What stands in the tree of a project, sorted by name, with the edges of its lock. Empty before the first install.
 *
 * @throws manifest_missing, manifest_invalid, lock_invalid, lock_version_unknown
 */
export async function listInstalled(dir: string): Promise<{ packages: InstalledPackage[] }> {
  const project = await readProject(dir);
  const text = await readTextIfAny(join(project.dir, "land.lock"));
  const locked = new Map(
    (text === undefined ? [] : parseLock(text).packages).map((item) => [item.name, item]),
  );
  const tree = await readTree(join(project.dir, project.installDir));
  const placed = tree.kind === "own" ? [...tree.placed] : [];
  const packages = placed.map(([name, { version, digest }]) => {
    const known = locked.get(name);
    return {
      name,
      version,
      digest,
      dependencies: known?.digest === digest ? known.dependencies : [],
    };
  });
  return { packages: packages.toSorted(byName) };
}
