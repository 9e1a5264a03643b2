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
import { editProject, type Project } from "#pack/project.ts";
import { chooseMembers, memberAt, noMember, type Workspace } from "#pack/workspace.ts";
import type { IndexEntry } from "#remote/index-lines.ts";

import type { Metadata } from "./metadata.ts";
import { newestOf } from "./newest.ts";
import {
  type AddRequest,
  type InstallMode,
  type InstallOptions,
  REQUIREMENT_KINDS,
  type RequirementKind,
} from "./options.ts";
import { rangeForNewest } from "./request-latest.ts";

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
): Promise<Workspace> {
  const { mode } = options;
  const target = targetOf(options, workspace, dir);
  if (mode.kind === "add") {
    const edits: ManifestEdit[] = [];
    for (const request of mode.packages)
      edits.push(...(await editsToAdd(options, { workspace, target, metadata }, request)));
    return withEdits(workspace, target, edits);
  }
  if (mode.kind === "remove")
    return withEdits(
      workspace,
      target,
      mode.names.flatMap((name) => editsToRemove(target, name)),
    );
  if (mode.kind !== "update" || mode.latest === false) return workspace;
  const all = [workspace.root, ...workspace.members.map(({ project }) => project)];
  let edited = workspace;
  for (const project of options.workspace === undefined ? all : [target])
    edited = withEdits(edited, project, await editsToLatest(options, workspace, project, metadata));
  return edited;
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

function withEdits(workspace: Workspace, target: Project, edits: ManifestEdit[]): Workspace {
  if (edits.length === 0) return workspace;
  const edited = editProject(target, edits);
  const swap = (project: Project): Project => (project.dir === target.dir ? edited : project);
  return {
    ...workspace,
    root: swap(workspace.root),
    members: workspace.members.map((member) => ({ ...member, project: swap(member.project) })),
  };
}

/** Only what stands in the manifest: of an update to what something else asks for, the lock alone tells. */
async function editsToLatest(
  options: InstallOptions,
  { members }: Workspace,
  { manifest }: Project,
  metadata: Metadata,
): Promise<ManifestEdit[]> {
  const isMember = new Set<string>(members.map(({ name }) => name));
  const isMeant = (name: string): boolean =>
    !isMember.has(name) &&
    isToLatest(options.mode, name) &&
    // Whoever overrides a package has chosen its version.
    !Object.hasOwn(manifest.overrides, name);
  const meant = REQUIREMENT_KINDS.flatMap((kind) => Object.keys(manifest[kind])).filter(isMeant);
  // All at the same time; what fails is thrown below, where it is waited for in turn.
  for (const name of meant) metadata.versionsOf(name).catch(() => undefined);
  const edits: ManifestEdit[] = [];
  for (const kind of REQUIREMENT_KINDS)
    for (const [name, range] of Object.entries(manifest[kind])) {
      if (!isMeant(name)) continue;
      const newest = newestOf((await metadata.versionsOf(name)) ?? [], options);
      const value = newest === undefined ? undefined : rangeForNewest(range, newest);
      if (value !== undefined) edits.push({ path: [kind, name], value });
    }
  return edits;
}

function isToLatest(mode: InstallMode, name: string): boolean {
  if (mode.kind !== "update") return false;
  if (typeof mode.latest === "object") return mode.latest.includes(name);
  return mode.latest && (mode.names.length === 0 || mode.names.includes(name));
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
