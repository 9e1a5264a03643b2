import { fail } from "#base/errors.ts";
import { readProject } from "#pack/project.ts";
import { inDependencyOrder, isPrivate } from "#pack/workspace-order.ts";
import { chooseMembers, findWorkspaceRoot, type Member, readWorkspace } from "#pack/workspace.ts";

import type { Context } from "./context.ts";

/** The flag of `pack` and `publish`. */
export const workspaceArg = {
  workspace: {
    type: "list",
    short: "w",
    value: "NAME",
    about: "Members of the workspace: name, folder or pattern; '*' for all",
  },
} as const;

/** Members to pack, and whether several may be meant: then a list is answered, and what cannot be published is left out. */
export type ChosenMembers = { members: Member[]; several: boolean };

/**
 * The members that `--workspace` names, in an order in which each comes after what it needs. What a pattern matches and is
 * private or has no version is left out; undefined where the flag was not given.
 *
 * @throws workspace_invalid, manifest_missing, manifest_invalid
 */
export async function chosenMembers(
  { cwd }: Context,
  texts: readonly string[],
): Promise<ChosenMembers | undefined> {
  if (texts.length === 0) return undefined;
  const workspace = await readWorkspace(await readProject(await findWorkspaceRoot(cwd)));
  const chosen = chooseMembers(workspace, texts);
  const named = new Set(texts.filter((text) => !/[*?[{!]/.test(text)));
  const several = texts.length > 1 || named.size === 0;
  const isNamed = ({ name, folder }: Member): boolean => named.has(name) || named.has(folder);
  const members = inDependencyOrder(chosen).filter(
    (member) =>
      isNamed(member) || (!isPrivate(member) && member.project.manifest.version !== undefined),
  );
  if (members.length === 0)
    throw fail("workspace_invalid", {
      problem: `every member that ${texts.map((text) => `"${text}"`).join(", ")} means is private or has no version`,
    });
  return { members, several };
}
