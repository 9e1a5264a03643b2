import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";

import { isPackageName } from "#solve/pack.ts";

import type { Lock } from "./lockfile.ts";
import type { Placed } from "./marker.ts";
import type { TreeProblem } from "./verify-bins.ts";
import { seenIfAny } from "./verify-folder.ts";

/** A tree and what belongs there. */
export type Expectation = {
  installDir: string;
  projectDir: string;
  placed: Placed;
  lock: Lock;
};

/**
 * Packages in a tree that its lock does not name: a program would import them. What no import can name, as the folders that
 * tools begin with a dot, and links to members of the workspace are let be.
 */
export function strangersIn(expectation: Expectation): TreeProblem[] {
  const { installDir, placed, lock } = expectation;
  const known = new Set<string>(lock.packages.map(({ name }) => name));
  const placedNames = new Set<string>(placed.keys());
  const members = memberFolders(expectation);
  const problems: TreeProblem[] = [];
  for (const name of packagesIn(installDir)) {
    if (known.has(name) || isMember(join(installDir, name), members)) continue;
    const problem = placedNames.has(name)
      ? "is no longer in the lock"
      : "is not in the lock, and land did not put it there";
    problems.push({ package: name, path: ".", problem });
  }
  return problems;
}

/** Names below an install folder that an import could mean. */
function packagesIn(installDir: string): string[] {
  const names = namesIn(installDir).flatMap((name) =>
    name.startsWith("@")
      ? namesIn(join(installDir, name)).map((part) => `${name}/${part}`)
      : [name],
  );
  return names.filter(isPackageName);
}

function namesIn(folder: string): string[] {
  return seenIfAny(folder)?.kind === "folder" ? readdirSync(folder) : [];
}

function memberFolders({ projectDir, lock }: Expectation): Set<string> {
  const folders = [...lock.manifests.keys()].filter((folder) => folder !== ".");
  return new Set(folders.flatMap((folder) => realPathIfAny(join(projectDir, folder)) ?? []));
}

function isMember(path: string, members: ReadonlySet<string>): boolean {
  if (members.size === 0 || seenIfAny(path)?.kind !== "link") return false;
  const target = realPathIfAny(path);
  return target !== undefined && members.has(target);
}

function realPathIfAny(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
