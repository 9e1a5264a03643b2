import { lstatSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { type PackageName, parseVersion, printable, type Version } from "#base/names.ts";

import { isMap, readJson } from "./json.ts";
import { parseManifest } from "./manifest.ts";
import { findProject, MANIFEST_FILES, type Project, readManifestTexts } from "./project.ts";
import { findMemberFolders } from "./workspace-folders.ts";

/** A package of a workspace. */
export type Member = {
  /** Relative to the root, `/` between segments: `packages/a`. */
  folder: string;
  name: PackageName;
  /** `0.0.0` where its manifest has none. */
  version: Version;
  project: Project;
};

/** A project and the members it names; without any it is a project like others. */
export type Workspace = {
  root: Project;
  /** Sorted by folder, each name once. */
  members: Member[];
  /** What members say that only counts in the root, one sentence each. */
  warnings: string[];
};

const NO_VERSION = parseVersion("0.0.0");
/** Members that an error names before it only counts them. */
const NAMED_MEMBERS = 12;

/**
 * The folder whose manifest, lock and tree count for the project in `dir`, links resolved: the root of the workspace that
 * names it as a member, else the folder itself. A root that stands inside another one is answered with the outer one,
 * which `readWorkspace` then refuses. A manifest that belongs to another user than the project's own does not count.
 *
 * @throws workspace_invalid, manifest_invalid where a manifest above speaks of workspaces and cannot be read
 */
export async function findWorkspaceRoot(dir: string): Promise<string> {
  let found = await realpath(dir).catch(() => dir);
  for (let above = dirname(found); ; above = dirname(above)) {
    if (claims(above, found)) found = above;
    if (dirname(above) === above) return found;
  }
}

function claims(above: string, dir: string): boolean {
  const texts = manifestTextsIfAny(above);
  const file = MANIFEST_FILES.find((name) => texts[name] !== undefined);
  const text = file && texts[file];
  if (!file || !text?.includes('"workspaces"')) return false;
  if (!isOwnedAlike(join(above, file), dir)) return false;
  const read = readJson(text);
  if ("value" in read && !(isMap(read.value) && "workspaces" in read.value)) return false;
  const { workspaces } = inFolder(above, () => parseManifest(file, text));
  if (workspaces.length === 0) return false;
  const way = relative(above, dir).replaceAll(sep, "/");
  try {
    return findMemberFolders(above, workspaces).includes(way);
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
    throw invalid(`${String(error.data?.["problem"])}; its root is "${printable(above)}"`);
  }
}

/** Whatever cannot be read there is not what was asked for. */
function manifestTextsIfAny(dir: string): Project["texts"] {
  try {
    return readManifestTexts(dir);
  } catch (error) {
    if (error instanceof LandError) return {};
    throw error;
  }
}

/** In folders that all may write to, such as a temporary one, anybody could claim the projects of others. */
function isOwnedAlike(manifest: string, dir: string): boolean {
  const [one, other] = [lstatSync(manifest).uid, lstatSync(dir).uid];
  return one === other || one === 0;
}

/**
 * Reads the workspace whose root is in `root`.
 *
 * @throws manifest_missing, manifest_invalid naming the member, workspace_invalid for a member without a name, two of one
 * name, a root inside another, a member in the install folder, and what `findMemberFolders` refuses
 */
export async function readWorkspace(root: Project): Promise<Workspace> {
  const members: Member[] = [];
  const byName = new Map<string, string>();
  if (root.manifest.name !== undefined && root.manifest.workspaces.length > 0)
    byName.set(root.manifest.name, ".");
  for (const folder of findMemberFolders(root.dir, root.manifest.workspaces)) {
    const project = findMember(root, folder);
    if (!project) continue;
    const member = memberOf(root, folder, project);
    const other = byName.get(member.name);
    if (other !== undefined) throw invalid(`"${other}" and "${folder}" are both "${member.name}"`);
    byName.set(member.name, folder);
    members.push(member);
  }
  return { root, members, warnings: members.flatMap(warningsOf) };
}

function findMember(root: Project, folder: string): Project | undefined {
  if (`${folder}/`.startsWith(`${root.installDir}/`))
    throw invalid(`"${printable(folder)}" lies in the install folder "${root.installDir}"`);
  try {
    return findProject(join(root.dir, folder));
  } catch (error) {
    throw named(folder, error);
  }
}

/** An error of a manifest that tells in which folder that is. */
function named(folder: string, error: unknown): unknown {
  if (!(error instanceof LandError) || error.code !== "manifest_invalid") return error;
  const { file, field, problem } = error.data ?? {};
  return fail("manifest_invalid", {
    file: `${printable(folder)}/${String(file)}`,
    field: String(field),
    problem: String(problem),
  });
}

function inFolder<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw named(folder, error);
  }
}

function memberOf(root: Project, folder: string, project: Project): Member {
  const { name, version = NO_VERSION, workspaces } = project.manifest;
  if (workspaces.length > 0)
    throw invalid(
      `its member "${printable(folder)}" has workspaces itself, and one root cannot stand in another ("${root.dir}")`,
    );
  if (name === undefined)
    throw invalid(`its member in "${printable(folder)}" has no name, and nothing can ask for it`);
  return { folder, name, version, project };
}

function warningsOf({ folder, project: { manifest } }: Member): string[] {
  const { overrides, scopedOverrides, installDir } = manifest;
  const said = [
    ...(Object.keys(overrides).length + scopedOverrides.length > 0 ? ["overrides"] : []),
    ...(installDir === undefined ? [] : ["installDir"]),
  ];
  return said.map(
    (key) => `"${key}" of the member "${printable(folder)}" does nothing: it counts in the root`,
  );
}

/**
 * The members that these texts mean, in the order of the workspace: a name, a folder, or a pattern of either such as
 * `@ada/*` or `packages/*`; `*` is all of them. With `!` before it, a text takes away what those before it chose, or from
 * all where it is the first.
 *
 * @throws workspace_invalid for a text that means no member, naming those that exist
 */
export function chooseMembers(workspace: Workspace, texts: readonly string[]): Member[] {
  const { members } = workspace;
  const chosen = new Set<Member>(texts[0]?.startsWith("!") ? members : []);
  for (const text of texts) {
    const negated = text.startsWith("!");
    const meant = membersMeant(members, negated ? text.slice(1) : text);
    if (meant.length === 0) throw noMember(members, `"${printable(text)}"`);
    for (const member of meant)
      if (negated) chosen.delete(member);
      else chosen.add(member);
  }
  return members.filter((member) => chosen.has(member));
}

function membersMeant(members: readonly Member[], text: string): Member[] {
  const wanted = text.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  const exact = members.filter(({ name, folder }) => name === wanted || folder === wanted);
  if (exact.length > 0 || !/[*?[{]/.test(wanted)) return exact;
  if (wanted === "*") return [...members];
  const glob = new Bun.Glob(wanted);
  return members.filter(({ name, folder }) => glob.match(name) || glob.match(folder));
}

/** `: a, b and 3 more`; tells where there are none. */
function listed(members: readonly Member[]): string {
  if (members.length === 0) return ", for it has none";
  const names = members.slice(0, NAMED_MEMBERS).map(({ name }) => name);
  const more = members.length - names.length;
  return `: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** The member that lies in `dir`, links resolved. */
export function memberAt(workspace: Workspace, dir: string): Member | undefined {
  return workspace.members.find(({ project }) => project.dir === dir);
}

/** The refusal of a text that means none of the members, naming those that exist: `said` begins the sentence. */
export function noMember(members: readonly Member[], said: string): LandError {
  return invalid(`${said} is none of its members${listed(members)}`);
}

function invalid(problem: string): LandError {
  return fail("workspace_invalid", { problem });
}
