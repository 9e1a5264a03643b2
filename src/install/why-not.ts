import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { type PackageName, parsePackageName, parseTag, type Version } from "#base/names.ts";
import { isRange, parseRange, type Range, satisfies } from "#base/ranges.ts";
import { readProject } from "#pack/project.ts";
import { findWorkspaceRoot, readWorkspace, type Workspace } from "#pack/workspace.ts";
import type { SolveInput } from "#solve/model.ts";
import { solve } from "#solve/solve.ts";
import { type WhyNot, whyNot, type WhyNotChange } from "#solve/why-not.ts";
import { readTextIfAny } from "#store/files.ts";

import { ROOT_FOLDER } from "./lock-fit.ts";
import { parseLock } from "./lockfile.ts";
import { createMetadata, type Metadata } from "./metadata.ts";
import { newestOf } from "./newest.ts";
import type { InstallOptions } from "./options.ts";
import { ownOf } from "./requirement-changes.ts";
import { solveInputOf } from "./resolve.ts";
import { type AskingProject, changesIfRewritten, projectsAsking } from "./why-not-members.ts";

/** What stands in the way of a version, or what having it would change. */
export type Absence = WhyNot & {
  name: PackageName;
  /** What was asked for; the newest version where nothing was. */
  range: Range;
  /** What to type to have it; absent where it cannot be had, is there already, or only an edit by hand helps. */
  command?: string;
};

/**
 * Asks the solver what stands in the way of a version in a project. `wanted` is a range or a tag; without it the newest version is
 * meant. Nothing is written.
 *
 * @throws name_invalid, package_not_found, version_not_found, manifest_missing, manifest_invalid, lock_invalid,
 * registry_untrusted, network
 */
export async function explainAbsence(
  options: InstallOptions,
  typed: { name: string; wanted?: string | undefined },
): Promise<Absence> {
  const name = parsePackageName(typed.name);
  const workspace = await readWorkspace(await readProject(await findWorkspaceRoot(options.dir)));
  const project = workspace.root;
  const text = await readTextIfAny(join(project.dir, "land.lock"));
  const lock = text === undefined ? undefined : parseLock(text);
  const metadata = createMetadata(options, lock);
  // A member has one version, and no registry is asked for it.
  const isMember = workspace.members.some((member) => member.name === name);
  const range = isMember
    ? parseRange(typed.wanted ?? "*")
    : await rangeOf(options, metadata, name, typed.wanted);
  const locked = new Map<string, Version>(lock?.packages.map((item) => [item.name, item.version]));
  const inputOf = (asked: Workspace): SolveInput => solveInputOf(options, asked, locked, metadata);
  const answer = await whyNot(inputOf(workspace), { name, range });
  const about = { ...answer, name, range };
  const askers = projectsAsking(workspace, name);
  if (!answer.possible) {
    if (askers.every(({ folder }) => folder === ROOT_FOLDER)) return about;
    const changes = await changesIfRewritten(workspace, { name, range }, locked, inputOf);
    return changes ? withMembers({ name, range, changes }, askers) : about;
  }
  if (answer.changes.length === 0 && answer.needs.length === 0) return about;
  if (answer.needs.length === 0 && (await updateGives(inputOf(workspace), name, range)))
    return { ...about, command: `land update ${name}` };
  if (ownOf(project.manifest.overrides, name) !== undefined) return about;
  return { ...about, command: addCommand(name, range, askers[0]) };
}

/** Two members that ask cannot be changed one after the other by commands: each alone would not fit the other. */
function withMembers(
  found: { name: PackageName; range: Range; changes: WhyNotChange[] },
  askers: readonly AskingProject[],
): Absence {
  const needs = askers.map(
    ({ folder, kind, range }) => `${found.name} ${range} (${kind} of ${folder})`,
  );
  const [first, ...others] = askers;
  const command = addCommand(found.name, found.range, first);
  return { ...found, possible: true, needs, ...(others.length === 0 && { command }) };
}

function addCommand(name: PackageName, range: Range, asker: AskingProject | undefined): string {
  const flags = {
    dependencies: "",
    devDependencies: " --dev",
    optionalDependencies: " --optional",
  };
  const place = asker && asker.folder !== ROOT_FOLDER ? ` --workspace ${asker.folder}` : "";
  return `land add ${quoteSpec(`${name}@${range}`)}${flags[asker?.kind ?? "dependencies"]}${place}`;
}

async function rangeOf(
  options: InstallOptions,
  metadata: Metadata,
  name: PackageName,
  wanted: string | undefined,
): Promise<Range> {
  const entries = await metadata.versionsOf(name);
  if (!entries) throw fail("package_not_found", { name });
  if (wanted !== undefined && isRange(wanted)) return parseRange(wanted);
  if (wanted !== undefined) {
    const tag = parseTag(wanted, isRange);
    const { tags } = await (await options.remoteFor(metadata.registryOf(name))).readPackage(name);
    const version = ownOf(tags, tag);
    if (version === undefined) throw fail("version_not_found", { name, version: tag });
    return parseRange(version);
  }
  return parseRange(newestOf(entries, options) ?? "*");
}

/** Whether `land update NAME` would take a version of the range: it keeps all others where it can. */
async function updateGives(input: SolveInput, name: PackageName, range: Range): Promise<boolean> {
  const locked = new Map(input.locked);
  if (!locked.delete(name)) return false;
  const result = await solve({ ...input, locked });
  const found = result.ok && result.solution.packages.find((item) => item.name === name);
  return found ? satisfies(found.version, range) : false;
}

/** As a shell takes it for one word. */
function quoteSpec(spec: string): string {
  return /^[\w@/.^~+-]+$/.test(spec) ? spec : `'${spec}'`;
}
