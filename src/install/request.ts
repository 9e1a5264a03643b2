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
import { editProject, type Project } from "#pack/project.ts";
import type { IndexEntry } from "#remote/index-lines.ts";

import type { Metadata } from "./metadata.ts";
import { newestOf } from "./newest.ts";
import type { AddRequest, InstallOptions, RequirementKind } from "./options.ts";

const KINDS: readonly RequirementKind[] = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
];

/**
 * The project as it would be after an `add` or `remove`; the same project for the other modes. Nothing is written.
 *
 * @throws name_invalid, name_reserved, package_not_found, not_found for a package to remove that is not asked for
 */
export async function editForMode(
  options: InstallOptions,
  project: Project,
  metadata: Metadata,
): Promise<Project> {
  const { mode } = options;
  if (mode.kind === "add") {
    const edits: ManifestEdit[] = [];
    for (const request of mode.packages)
      edits.push(...(await editsToAdd(options, project, metadata, request)));
    return editProject(project, edits);
  }
  if (mode.kind === "remove")
    return editProject(
      project,
      mode.names.flatMap((name) => editsToRemove(project, name)),
    );
  return project;
}

async function editsToAdd(
  options: InstallOptions,
  project: Project,
  metadata: Metadata,
  request: AddRequest,
): Promise<ManifestEdit[]> {
  const name = parsePackageName(request.name);
  const value = await rangeFor(options, metadata, name, request);
  const others = KINDS.filter((kind) => kind !== request.kind && asks(project, kind, name));
  return [
    ...others.map((kind): ManifestEdit => ({ path: [kind, name], value: undefined })),
    { path: [request.kind, name], value },
  ];
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
    const tag = parseTag(range, isRange);
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
  const kinds = KINDS.filter((kind) => asks(project, kind, name));
  if (kinds.length === 0)
    throw fail("not_found", { what: `"${printable(name)}" among what this project asks for` });
  return kinds.map((kind) => ({ path: [kind, name], value: undefined }));
}

function asks({ manifest }: Project, kind: RequirementKind, name: PackageName): boolean {
  return Object.hasOwn(manifest[kind], name);
}
