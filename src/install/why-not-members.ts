import type { PackageName, Version } from "#base/names.ts";
import { byText } from "#base/order.ts";
import type { Range } from "#base/ranges.ts";
import { editProject, type Project } from "#pack/project.ts";
import type { Workspace } from "#pack/workspace.ts";
import type { SolveInput } from "#solve/model.ts";
import { solve } from "#solve/solve.ts";
import type { WhyNotChange } from "#solve/why-not.ts";

import { ROOT_FOLDER } from "./lock-fit.ts";
import type { RequirementKind } from "./options.ts";
import { ownOf } from "./requirement-changes.ts";

/** A project of a workspace that asks for a package. */
export type AskingProject = { folder: string; kind: RequirementKind; range: string };

const KINDS = ["optionalDependencies", "dependencies", "devDependencies"] as const;

/** The root and the members that ask for a package. */
export function projectsAsking({ root, members }: Workspace, name: PackageName): AskingProject[] {
  const all = [{ folder: ROOT_FOLDER, project: root }, ...members];
  return all.flatMap(({ folder, project }): AskingProject[] => {
    const kind = KINDS.find((one) => ownOf(project.manifest[one], name) !== undefined);
    const range = kind && ownOf(project.manifest[kind], name);
    return kind === undefined || range === undefined ? [] : [{ folder, kind, range }];
  });
}

/**
 * What would change if each project that asks for a package asked for this range instead; undefined where that does not help either.
 * To the solver a member is a package like others, so it does not tell by itself what its owner could rewrite.
 */
export async function changesIfRewritten(
  workspace: Workspace,
  { name, range }: { name: PackageName; range: Range },
  locked: ReadonlyMap<string, Version>,
  inputOf: (workspace: Workspace) => SolveInput,
): Promise<WhyNotChange[] | undefined> {
  const rewrite = (project: Project, folder: string): Project => {
    const asks = projectsAsking(workspace, name).filter((asking) => asking.folder === folder);
    return editProject(
      project,
      asks.map(({ kind }) => ({ path: [kind, name], value: range })),
    );
  };
  const members = workspace.members.map((member) =>
    Object.assign({}, member, { project: rewrite(member.project, member.folder) }),
  );
  const result = await solve(
    inputOf({ ...workspace, root: rewrite(workspace.root, ROOT_FOLDER), members }),
  );
  if (!result.ok) return undefined;
  const own = new Set<string>(members.map((member) => member.name));
  const after = new Map<string, string>(
    result.solution.packages.flatMap((item) =>
      own.has(item.name) ? [] : [[item.name, item.version]],
    ),
  );
  const names = [...new Set([...locked.keys(), ...after.keys()])].toSorted(byText);
  return names.flatMap((one): WhyNotChange[] => {
    const [from, to] = [locked.get(one), after.get(one)];
    if (from === to) return [];
    return [{ name: one, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
  });
}
