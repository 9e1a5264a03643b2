import { fail } from "#base/errors.ts";
import { printable, type Version } from "#base/names.ts";
import { parseRange, satisfies } from "#base/ranges.ts";

import type { ManifestEdit } from "./edit.ts";
import { isWorkspaceRange, type WorkspaceRange } from "./manifest-dependencies.ts";
import type { Manifest } from "./manifest.ts";
import { editEach, type Project } from "./project.ts";
import { type Member, noMember, type Workspace } from "./workspace.ts";

/** Keys of a manifest under which requirements on members stand and are installed. */
const INSTALLED = ["dependencies", "devDependencies", "optionalDependencies"] as const;
/** And those that are rewritten where it is published. */
const PUBLISHED = [...INSTALLED, "peerDependencies"] as const;

/**
 * Checks that every `workspace:` range of the root and its members means a member, and fits the version it has.
 *
 * @throws workspace_invalid naming who asks, and the members that exist
 */
export function requireMembers({ root, members }: Workspace): void {
  const projects = [{ folder: ".", project: root }, ...members];
  const byName = new Map<string, Member>(members.map((member) => [member.name, member]));
  for (const { folder, project } of projects)
    for (const key of INSTALLED)
      for (const [name, range] of Object.entries(project.manifest[key]))
        if (isWorkspaceRange(range)) {
          const asked = `"${name}@${range}", which "${printable(folder)}" asks for,`;
          const member = byName.get(name);
          if (!member) throw noMember(members, asked);
          if (!memberFits(member.version, range))
            throw fail("workspace_invalid", {
              problem: `${asked} is ${member.version} in "${printable(member.folder)}"`,
            });
        }
}

/** Whether a member of this version is what the range asks for. */
export function memberFits(version: Version, range: string): boolean {
  const rest = isWorkspaceRange(range) ? restOf(range) : range;
  return (isWorkspaceRange(range) && isShort(rest)) || satisfies(version, parseRange(rest));
}

/** What those who install a published package read instead: `^1.2.0` for `workspace:^`. */
export function publishedRange(range: WorkspaceRange, version: Version): string {
  const rest = restOf(range);
  if (rest === "^" || rest === "~") return rest + version;
  return isShort(rest) ? version : rest;
}

/**
 * The project with its `workspace:` ranges as they are published, in both manifests where both stand. Nothing is written;
 * a project without such ranges comes out as it is.
 *
 * @throws workspace_invalid for a range that means no member or does not fit it, manifest_invalid
 */
export function rewriteForPublish(workspace: Workspace, project: Project): Project {
  const byName = new Map<string, Member>(workspace.members.map((member) => [member.name, member]));
  return editEach(project, (manifest) =>
    PUBLISHED.flatMap((key) => editsOf(manifest, key, byName, workspace.members)),
  );
}

function editsOf(
  manifest: Manifest,
  key: (typeof PUBLISHED)[number],
  byName: ReadonlyMap<string, Member>,
  members: readonly Member[],
): ManifestEdit[] {
  const { file } = manifest;
  return Object.entries(manifest[key]).flatMap(([name, range]) => {
    if (!range.startsWith("workspace:")) return [];
    const field = `${key}.${name}`;
    if (!isWorkspaceRange(range))
      throw fail("manifest_invalid", { file, field, problem: "is no workspace range land knows" });
    const member = byName.get(name);
    const asked = `"${printable(name)}@${printable(range)}"`;
    if (!member) throw noMember(members, asked);
    const { version, folder } = member;
    if (!memberFits(version, range)) {
      const problem = `${asked} is ${version} in "${printable(folder)}"`;
      throw fail("workspace_invalid", { problem });
    }
    if (member.project.manifest.version === undefined) {
      const problem = `${asked} cannot be published: "${printable(folder)}" has no version`;
      throw fail("workspace_invalid", { problem });
    }
    return [{ path: [key, name], value: publishedRange(range, version) }];
  });
}

function restOf(range: WorkspaceRange): string {
  return range.slice("workspace:".length).trim();
}

/** Whatever version the member has. */
function isShort(rest: string): boolean {
  return ["", "*", "^", "~"].includes(rest);
}
