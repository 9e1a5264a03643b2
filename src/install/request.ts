import { fail } from "#base/errors.ts";
import {
  type PackageName,
  parsePackageName,
  parseTag,
  printable,
  type Version,
} from "#base/names.ts";
import { isRange, parseRange } from "#base/ranges.ts";
import type { ManifestEdit } from "#pack/edit.ts";
import { isWorkspaceRange } from "#pack/manifest-dependencies.ts";
import type { Project } from "#pack/project.ts";
import { chooseMembers, memberAt, noMember, type Workspace } from "#pack/workspace.ts";
import type { IndexEntry } from "#remote/index-lines.ts";

import type { Lock } from "./lockfile.ts";
import type { Metadata } from "./metadata.ts";
import { newestOf } from "./newest.ts";
import {
  type AddRequest,
  type InstallOptions,
  REQUIREMENT_KINDS,
  type RequirementKind,
} from "./options.ts";
import { withEdits } from "./request-edits.ts";
import { type Edited, editToLatest } from "./request-latest.ts";
import { preferred } from "./resolve.ts";

/**
 * The workspace as it would be after an `add`, `remove` or `update` past its manifests; the same one for other modes.
 * `add` and `remove` are about one project: the member that was named, else the one in `dir`, else the root. Nothing is
 * written.
 *
 * @throws name_invalid, name_reserved, package_not_found, not_found for a package to remove that is not asked for,
 * workspace_invalid for a member that is none
 */
export async function editForMode(
  options: InstallOptions,
  workspace: Workspace,
  dir: string,
  metadata: Metadata,
  old: Lock | undefined,
): Promise<Edited> {
  const { mode } = options;
  const target = targetOf(options, workspace, dir);
  if (mode.kind === "add") {
    const edits: ManifestEdit[] = [];
    for (const request of mode.packages)
      edits.push(...(await editsToAdd(options, { workspace, target, metadata }, request)));
    return { workspace: withEdits(workspace, target, edits), behind: [] };
  }
  if (mode.kind === "remove") {
    const edits = mode.names.flatMap((name) => editsToRemove(target, name));
    return { workspace: withEdits(workspace, target, edits), behind: [] };
  }
  if (mode.kind !== "update" || mode.latest === false) return { workspace, behind: [] };
  const all = [workspace.root, ...workspace.members.map(({ project }) => project)];
  const projects = options.workspace === undefined ? all : [target];
  const locked = preferred(options, old);
  return editToLatest({ options, workspace, metadata, old, locked }, projects);
}

/** @throws workspace_invalid, usage where several are meant */
function targetOf({ workspace: text }: InstallOptions, workspace: Workspace, dir: string): Project {
  if (text === undefined) return memberAt(workspace, dir)?.project ?? workspace.root;
  const [first, ...others] = chooseMembers(workspace, [text]);
  if (first && others.length === 0) return first.project;
  const meant = [first, ...others].flatMap((member) => member?.name ?? []).join(", ");
  throw fail("usage", {
    problem: `Cannot tell which member "${printable(text)}" is: it means ${meant}`,
  });
}

type Place = { workspace: Workspace; target: Project; metadata: Metadata };

async function editsToAdd(
  options: InstallOptions,
  { workspace, target, metadata }: Place,
  request: AddRequest,
): Promise<ManifestEdit[]> {
  const name = parsePackageName(request.name);
  // The solver would say of a name that was misspelled that it does not exist, and suggest to remove it.
  if (!workspace.members.some((member) => member.name === name)) await versionsOf(metadata, name);
  const value =
    rangeOfMember(workspace, name, request) ?? (await rangeFor(options, metadata, name, request));
  const others = REQUIREMENT_KINDS.filter(
    (kind) => kind !== request.kind && asks(target, kind, name),
  );
  return [
    ...others.map((kind): ManifestEdit => ({ path: [kind, name], value: undefined })),
    { path: [request.kind, name], value },
  ];
}

/** What is written for a member; undefined for what is to come from a registry. */
function rangeOfMember(
  { members }: Workspace,
  name: PackageName,
  { range, exact }: AddRequest,
): string | undefined {
  const isMember = members.some((member) => member.name === name);
  if (range === undefined) return isMember ? `workspace:${exact ? "*" : "^"}` : undefined;
  if (!isWorkspaceRange(range)) return undefined;
  if (!isMember) throw noMember(members, `"${name}@${range}"`);
  return range;
}

/** What reads as no range can only be a tag. @throws name_invalid */
function tagOf(text: string): string {
  if (/^[A-Za-z]/.test(text)) return parseTag(text, isRange);
  throw fail("name_invalid", {
    what: "a range",
    value: printable(text),
    problem: "write it like ^1.2.0, ~1.2, 1.x, >=1.2.0 <2.0.0 or 1.2.3, or name a tag",
  });
}

async function rangeFor(
  options: InstallOptions,
  metadata: Metadata,
  name: PackageName,
  { range, exact }: AddRequest,
): Promise<string> {
  if (range !== undefined && isRange(range)) return parseRange(range);
  const written = (version: Version): string => (exact ? version : `^${version}`);
  if (range !== undefined) {
    const tag = tagOf(range);
    const remote = await options.remoteFor(metadata.registryOf(name));
    const { tags } = await remote.readPackage(name);
    const found = (await versionsOf(metadata, name)).find(({ version }) => version === tags[tag]);
    if (found) return written(found.version);
    throw fail("version_not_found", { name, version: tag });
  }
  const newest = newestOf(await versionsOf(metadata, name), options);
  // Where nothing may be picked, the solver tells why.
  return newest === undefined ? "*" : written(newest);
}

async function versionsOf(metadata: Metadata, name: PackageName): Promise<readonly IndexEntry[]> {
  const entries = await metadata.versionsOf(name);
  if (entries) return entries;
  throw fail("package_not_found", { name });
}

function editsToRemove(project: Project, typed: string): ManifestEdit[] {
  const name = parsePackageName(typed);
  const kinds = REQUIREMENT_KINDS.filter((kind) => asks(project, kind, name));
  if (kinds.length === 0)
    throw fail("not_found", { what: `"${printable(name)}" among what this project asks for` });
  return kinds.map((kind) => ({ path: [kind, name], value: undefined }));
}

function asks({ manifest }: Project, kind: RequirementKind, name: PackageName): boolean {
  return Object.hasOwn(manifest[kind], name);
}
