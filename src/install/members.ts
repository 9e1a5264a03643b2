import { accessSync, closeSync, constants, openSync, readlinkSync, readSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

import type { PackageName } from "#base/names.ts";
import { emptyMap } from "#pack/json.ts";
import { isWorkspaceRange } from "#pack/manifest-dependencies.ts";
import type { Manifest } from "#pack/manifest.ts";
import type { Member, Workspace } from "#pack/workspace.ts";
import type { Candidate, Ranges, RootManifest } from "#solve/model.ts";

import type { Links } from "./marker.ts";
import { type Bins, RUN_BY_LAND } from "./stored.ts";

/**
 * A workspace as the solver sees it: the root asks for every member, and a member is a package whose only version is the
 * one that lies there. It asks for what it needs at work on it too.
 */
export function toSolve({ root, members }: Workspace): {
  root: RootManifest;
  /** The only version of a member; undefined for what is none. */
  memberOf: (name: string) => Candidate | undefined;
} {
  const byName = new Map<string, Member>(members.map((member) => [member.name, member]));
  const { manifest } = root;
  const { dependencies, optionalDependencies } = rangesOf(manifest, byName);
  const wanted: Record<string, string> = { ...dependencies };
  for (const { name, version } of members) wanted[name] ??= version;
  return {
    root: {
      ...(manifest.name !== undefined && { name: manifest.name }),
      dependencies: wanted,
      devDependencies: plain(manifest.devDependencies, byName),
      optionalDependencies: without(optionalDependencies, byName),
      overrides: manifest.overrides,
      scopedOverrides: manifest.scopedOverrides,
    },
    memberOf(name) {
      const member = byName.get(name);
      if (!member) return undefined;
      const { version, project } = member;
      const needs = rangesOf(project.manifest, byName);
      return {
        version,
        dependencies: { ...plain(project.manifest.devDependencies, byName), ...needs.dependencies },
        optionalDependencies: without(needs.optionalDependencies, byName),
        yanked: false,
      };
    },
  };
}

type ByName = ReadonlyMap<string, Member>;

function rangesOf(manifest: Manifest, byName: ByName) {
  return {
    dependencies: plain(manifest.dependencies, byName),
    optionalDependencies: plain(manifest.optionalDependencies, byName),
  };
}

/** The very version where a range means whatever member lies there: it was held against it before. */
function plain(map: Ranges, byName: ByName): Ranges {
  const entries = Object.entries(map).map(([name, range]) => {
    const member = isWorkspaceRange(range) ? byName.get(name) : undefined;
    return [name, member?.version ?? range];
  });
  return Object.fromEntries(entries);
}

/** A member is always there, so nothing that asks for it is optional. */
function without(map: Ranges, byName: ByName): Ranges {
  return Object.fromEntries(Object.entries(map).filter(([name]) => !byName.has(name)));
}

/** The links that the tree of a workspace holds. */
export function linksOf({ members }: Workspace): Links {
  return new Map(
    members.map((member): [PackageName, { folder: string; bin: Bins }] => [
      member.name,
      { folder: member.folder, bin: binsOfMember(member) },
    ]),
  );
}

/** The commands of a member. Its files are left as they are: one that is no program by itself is run by land. */
function binsOfMember({ project: { dir, manifest } }: Member): Bins {
  const bins = emptyMap<Bins[string]>();
  for (const [command, path] of Object.entries(manifest.bin)) {
    const byLand = RUN_BY_LAND.test(path) && !isProgram(join(dir, path));
    bins[command] = { path, runner: byLand ? "land" : "own" };
  }
  return bins;
}

function isProgram(path: string): boolean {
  let descriptor: number | undefined;
  try {
    accessSync(path, constants.X_OK);
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const head = Buffer.alloc(2);
    return readSync(descriptor, head) === 2 && head.toString("latin1") === "#!";
  } catch {
    return false;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Where the link at `<installDir>/<name>` leads: a relative path, so that the workspace can be moved; whole for a junction. */
export function linkTarget(
  { rootDir, installDir, windows }: { rootDir: string; installDir: string; windows: boolean },
  name: string,
  folder: string,
): string {
  const target = join(rootDir, folder);
  if (windows) return target;
  return relative(dirname(join(installDir, name)), target).replaceAll(sep, "/");
}

/** Whether a link stands there that leads just so. */
export function isLinkTo(path: string, target: string): boolean {
  try {
    return readlinkSync(path).replace(/[\\/]$/, "") === target;
  } catch {
    return false;
  }
}
