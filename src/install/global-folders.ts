import { readdirSync } from "node:fs";
import { rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { LandError } from "#base/errors.ts";
import { type Digest, type PackageName, parsePackageName, type Version } from "#base/names.ts";
import { readProject } from "#pack/project.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";
import { errorCode, fileFailed, readTextIfAny, syncFolder } from "#store/files.ts";

import { parseLock } from "./lockfile.ts";
import { readMarker } from "./marker.ts";

/** Where packages stand in the tree of a global one: the folder has a land.json and no package.json. */
export const GLOBAL_TREE = "land_modules";
/** How the folder of a package is called while it is taken away: the decision is its rename. */
const REMOVED = ".removed-";

/** What the folder of a global package holds. */
export type GlobalFolder = {
  name: PackageName;
  version: Version;
  digest: Digest;
  registry: RegistryUrl;
  /** As its land.json has it. */
  range: string;
  /** Its own commands, as it calls them; not those of what it needs. */
  commands: string[];
};

/** `$LAND_HOME/packages`: a project of land for each global package, by its name. */
export function globalsDir(landHome: string): string {
  return join(landHome, "packages");
}

/** The folder of a global package. */
export function globalDir(landHome: string, name: PackageName): string {
  return join(globalsDir(landHome), name);
}

/** Names of the folders in `$LAND_HOME/packages`, whatever they hold. What may be no name of a package is not ours. */
export function globalNames(landHome: string): PackageName[] {
  const dir = globalsDir(landHome);
  const entries = namesIn(dir).flatMap((name) =>
    name.startsWith("@") ? namesIn(join(dir, name)).map((part) => `${name}/${part}`) : [name],
  );
  return entries.flatMap((entry) => {
    try {
      return [parsePackageName(entry)];
    } catch {
      return [];
    }
  });
}

/** What a folder holds; undefined where its package is not in its tree, as before the first install is done. */
export async function readGlobal(
  landHome: string,
  name: PackageName,
): Promise<GlobalFolder | undefined> {
  const dir = globalDir(landHome, name);
  try {
    const { manifest } = await readProject(dir);
    const range = manifest.dependencies[name];
    const placed = (await readMarker(join(dir, GLOBAL_TREE)))?.placed.get(name);
    const text = await readTextIfAny(join(dir, "land.lock"));
    const locked = parseLock(text ?? "").packages.find((item) => item.name === name);
    if (range === undefined || !placed || locked?.digest !== placed.digest) return undefined;
    const { version, digest, bin } = placed;
    const commands = Object.keys(bin).toSorted();
    return { name, version, digest, registry: locked.registry, range, commands };
  } catch (error) {
    if (error instanceof LandError) return undefined;
    throw error;
  }
}

/** Decides that a global package goes: one rename. What is left is swept by `sweepRemoved`. @throws file_failed */
export async function dropGlobal(landHome: string, name: PackageName, mark: string): Promise<void> {
  const dir = globalDir(landHome, name);
  try {
    await rename(dir, join(globalsDir(landHome), `${REMOVED}${mark}`));
    await syncFolder(dirname(dir));
    await dropScope(landHome, name);
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw fileFailed("remove", dir, cause);
  }
}

/** Removes the folder of a scope that holds nothing any more. */
export async function dropScope(landHome: string, name: PackageName): Promise<void> {
  if (!name.startsWith("@")) return;
  await rmdir(dirname(globalDir(landHome, name))).catch(() => undefined);
}

/** Removes what a run that was killed began to take away. @throws file_failed */
export async function sweepRemoved(landHome: string): Promise<void> {
  const dir = globalsDir(landHome);
  for (const name of namesIn(dir)) {
    if (!name.startsWith(REMOVED)) continue;
    await rm(join(dir, name), { recursive: true, force: true }).catch((cause: unknown) => {
      throw fileFailed("remove", join(dir, name), cause);
    });
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir).toSorted();
  } catch (cause) {
    if (errorCode(cause) === "ENOENT" || errorCode(cause) === "ENOTDIR") return [];
    throw fileFailed("read", dir, cause);
  }
}
