import { readdirSync } from "node:fs";
import { join } from "node:path";

import { isPackageName } from "#solve/pack.ts";

import { isInPlainFolder } from "./commit.ts";
import type { Lock } from "./lockfile.ts";
import type { Links, Placed } from "./marker.ts";
import { isLinkTo, linkTarget } from "./members.ts";
import type { TreePlaces } from "./tree.ts";
import type { TreeProblem } from "./verify-bins.ts";
import { seenIfAny } from "./verify-folder.ts";

/** What is said of a package that land put there for an earlier lock. */
export const NO_LONGER_LOCKED = "is no longer in the lock";
/** What is said of one that land did not put there. */
export const NOT_LOCKED = "is not in the lock, and land did not put it there";

/** A tree and what belongs there. */
export type Expectation = {
  places: TreePlaces;
  /** What its marker tells of packages. */
  placed: Placed;
  lock: Lock;
  /** The members of the workspace. */
  links: Links;
};

/**
 * Packages in a tree that its lock does not name: a program would import them. What no import can name, as the folders that
 * tools begin with a dot, is let be.
 */
export function strangersIn({ places, placed, lock, links }: Expectation): TreeProblem[] {
  const known = new Set<string>([...lock.packages.map(({ name }) => name), ...links.keys()]);
  const before = new Set<string>(placed.keys());
  return packagesIn(places.installDir)
    .filter((name) => !known.has(name))
    .map((name) => {
      const problem = before.has(name) ? NO_LONGER_LOCKED : NOT_LOCKED;
      return { package: name, path: ".", problem };
    });
}

/** Members of the workspace that the tree does not link as it should. */
export function unlinkedIn({ places, links }: Expectation): TreeProblem[] {
  return [...links].flatMap(([name, { folder }]) => {
    const path = join(places.installDir, name);
    if (
      isInPlainFolder(places.installDir, name) &&
      isLinkTo(path, linkTarget(places, name, folder))
    )
      return [];
    return [{ package: name, path: ".", problem: "is no link to its folder in the workspace" }];
  });
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
