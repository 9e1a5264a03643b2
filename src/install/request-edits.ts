import type { ManifestEdit } from "#pack/edit.ts";
import { editProject, type Project } from "#pack/project.ts";
import type { Workspace } from "#pack/workspace.ts";

/** The workspace with one manifest edited, the root's or a member's; the same one without edits. Nothing is written. */
export function withEdits(
  workspace: Workspace,
  target: Project,
  edits: readonly ManifestEdit[],
): Workspace {
  if (edits.length === 0) return workspace;
  const edited = editProject(target, [...edits]);
  const swap = (project: Project): Project => (project.dir === target.dir ? edited : project);
  return {
    ...workspace,
    root: swap(workspace.root),
    members: workspace.members.map((member) => ({ ...member, project: swap(member.project) })),
  };
}
