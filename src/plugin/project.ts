import { join } from "node:path";

import { byText } from "#base/order.ts";
import { type Lock, type LockedPackage, parseLock } from "#install/lockfile.ts";
import { readMarker } from "#install/marker.ts";
import { isMap, type JsonMap, readJson } from "#pack/json.ts";
import { readProject } from "#pack/project.ts";
import { findWorkspaceRoot } from "#pack/workspace.ts";
import { readTextIfAny } from "#store/files.ts";

import type { PluginPackage, PluginProject } from "./api.ts";

/**
 * The project of a folder as plugins see it, or the workspace that it is a member of: what is locked, and where of that the tree
 * has the same archive.
 *
 * @throws manifest_missing, manifest_invalid, workspace_invalid, lock_invalid, lock_version_unknown, file_failed
 */
export async function readPluginProject(folder: string): Promise<PluginProject> {
  const {
    dir,
    manifest,
    installDir: relative,
  } = await readProject(await findWorkspaceRoot(folder));
  const installDir = join(dir, relative);
  const text = await readTextIfAny(join(dir, "land.lock"));
  const lock = text === undefined ? undefined : parseLock(text);
  const held = await readMarker(installDir);
  const packages = await Promise.all(
    (lock?.packages ?? []).map((item) =>
      readPackage(
        item,
        held?.placed.get(item.name)?.digest === item.digest ? installDir : undefined,
      ),
    ),
  );
  return { dir, manifest: manifest.raw, installDir, requirements: requirementsOf(lock), packages };
}

/** What the project and the members of its workspace ask for, as the lock has it, of any kind. */
function requirementsOf(lock: Lock | undefined): string[] {
  const names = [...(lock?.manifests.values() ?? [])].flatMap((asked) =>
    [...asked.dependencies, ...asked.devDependencies, ...asked.optionalDependencies].map(
      (requirement) => requirement.slice(0, requirement.indexOf("@", 1)),
    ),
  );
  return [...new Set(names)].toSorted(byText);
}

async function readPackage(
  { name, version, registry, digest, dependencies }: LockedPackage,
  installDir: string | undefined,
): Promise<PluginPackage> {
  const dir = installDir === undefined ? undefined : join(installDir, name);
  const manifest = dir === undefined ? undefined : await readManifest(dir);
  return { name, version, registry, digest, dependencies, dir, manifest };
}

/** The manifest that counts; undefined where it is not there or not readable. */
async function readManifest(dir: string): Promise<JsonMap | undefined> {
  for (const file of ["land.json", "package.json"]) {
    const text = await readTextIfAny(join(dir, file));
    const read = text === undefined ? undefined : readJson(text);
    if (read && "value" in read && isMap(read.value)) return read.value;
  }
  return undefined;
}
