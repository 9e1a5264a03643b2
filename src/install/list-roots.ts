import { join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { type PackageName, printable, type Version } from "#base/names.ts";
import { byText } from "#base/order.ts";
import type { Manifest } from "#pack/manifest.ts";
import { type Project, readProject } from "#pack/project.ts";

import { ROOT_FOLDER } from "./lock-fit.ts";
import type { Lock } from "./lockfile.ts";
import type { RequirementKind } from "./options.ts";

/** What a manifest asks for. */
export type Requirement = { name: string; range: string; kind: RequirementKind };

/** Where ways to packages begin: the project, or a member of its workspace. */
export type ProjectRoot = {
  /** Relative to the project; `.` is the project itself. */
  folder: string;
  name?: PackageName;
  version?: Version;
  /** Sorted by name, each once. */
  requirements: Requirement[];
};

/** The project, then the members of its workspace that its lock knows and that are still there, by folder. */
export async function readRoots(project: Project, lock: Lock | undefined): Promise<ProjectRoot[]> {
  const roots = [rootOf(ROOT_FOLDER, project.manifest)];
  for (const folder of [...(lock?.manifests.keys() ?? [])].toSorted(byText)) {
    if (!isMemberFolder(folder)) continue;
    const manifest = await memberManifest(join(project.dir, folder));
    if (manifest) roots.push(rootOf(folder, manifest));
  }
  return roots;
}

/**
 * The roots whose name or folder one of the patterns matches: `@ada/*`, `packages/**`; one with `!` before it takes away. All where
 * no pattern is given.
 *
 * @throws not_found where none is left
 */
export function filterRoots(
  roots: readonly ProjectRoot[],
  patterns: readonly string[],
): readonly ProjectRoot[] {
  if (patterns.length === 0) return roots;
  const isMatch = (pattern: string, { name, folder }: ProjectRoot): boolean => {
    const glob = new Bun.Glob(pattern.replace(/^\.\//, ""));
    return [name ?? "", folder].some((text) => glob.match(text));
  };
  const wanted = patterns.filter((pattern) => !pattern.startsWith("!"));
  const unwanted = patterns.flatMap((text) => (text.startsWith("!") ? [text.slice(1)] : []));
  const left = roots.filter(
    (root) =>
      (wanted.length === 0 || wanted.some((pattern) => isMatch(pattern, root))) &&
      !unwanted.some((pattern) => isMatch(pattern, root)),
  );
  if (left.length > 0) return left;
  const what = patterns.map((pattern) => `"${printable(pattern)}"`).join(", ");
  throw fail("not_found", { what: `a project or member of its workspace that fits ${what}` });
}

function rootOf(folder: string, manifest: Manifest): ProjectRoot {
  const { name, version } = manifest;
  const kinds: readonly RequirementKind[] = [
    "devDependencies",
    "dependencies",
    "optionalDependencies",
  ];
  const byName = new Map<string, Requirement>();
  // A later kind takes the place of an earlier one, as it does for the solver.
  for (const kind of kinds)
    for (const [wanted, range] of Object.entries(manifest[kind]))
      byName.set(wanted, { name: wanted, range, kind });
  return {
    folder,
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    requirements: [...byName.values()].toSorted((a, b) => byText(a.name, b.name)),
  };
}

/** A lock may come from anyone: a folder in it that is none inside the project is not looked into. */
function isMemberFolder(folder: string): boolean {
  return (
    folder !== ROOT_FOLDER &&
    !/^(?:[A-Za-z]:|\/)|\\/.test(folder) &&
    !folder.split("/").some((part) => part === "" || part === "." || part === "..")
  );
}

async function memberManifest(dir: string): Promise<Manifest | undefined> {
  try {
    return (await readProject(dir)).manifest;
  } catch (error) {
    if (error instanceof LandError && error.code === "manifest_missing") return undefined;
    throw error;
  }
}
