import { fail } from "#base/errors.ts";
import { type PackageName, printable, type Version } from "#base/names.ts";
import { byText } from "#base/order.ts";
import type { Manifest } from "#pack/manifest.ts";
import type { Project } from "#pack/project.ts";
import { readWorkspace } from "#pack/workspace.ts";

import { ROOT_FOLDER } from "./lock-fit.ts";
import type { RequirementKind } from "./options.ts";
import { namesReachedFrom } from "./reach.ts";

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

/** The project, then the members of its workspace, by folder. @throws workspace_invalid, manifest_invalid */
export async function readRoots(project: Project): Promise<ProjectRoot[]> {
  const { members } = await readWorkspace(project);
  return [
    rootOf(ROOT_FOLDER, project.manifest),
    ...members.map((member) => rootOf(member.folder, member.project.manifest)),
  ];
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

/** Names of all that these roots need, by the edges between these packages. */
export function reachedFrom(
  roots: readonly ProjectRoot[],
  packages: readonly { name: string; dependencies: readonly string[] }[],
): Set<string> {
  const names = roots.flatMap(({ requirements }) => requirements.map(({ name }) => name));
  return namesReachedFrom(names, packages);
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
