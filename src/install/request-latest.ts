import { parseVersion, printable, type Version } from "#base/names.ts";
import { compareVersions, isRange, parseRange, satisfies } from "#base/ranges.ts";
import type { Project } from "#pack/project.ts";
import type { Workspace } from "#pack/workspace.ts";
import type { Failure, SolveResult } from "#solve/model.ts";
import { solveAlso } from "#solve/solve.ts";

import type { Lock } from "./lockfile.ts";
import type { Metadata } from "./metadata.ts";
import { newestOf } from "./newest.ts";
import {
  type InstallMode,
  type InstallOptions,
  REQUIREMENT_KINDS,
  type RequirementKind,
  type StayedBehind,
} from "./options.ts";
import { withEdits } from "./request-edits.ts";
import { outsideOf, solveInputOf } from "./resolve.ts";

/** Steps of one try to bring a package further: help must not cost more than an install. */
const MAX_TRY_STEPS = 2_000_000;
/** Tries for one package: each that works brings it further, mostly to the end. */
const MAX_ROUNDS = 8;
/** Facts that tell why a package stayed behind. */
const MAX_FACTS = 3;

/** A workspace with its manifests edited, and the versions found for it, if any were looked for. */
export type Edited = {
  workspace: Workspace;
  chosen?: ReadonlyMap<string, Version>;
  behind: StayedBehind[];
};

type About = {
  options: InstallOptions;
  workspace: Workspace;
  metadata: Metadata;
  old: Lock | undefined;
  /** Versions to keep where possible. */
  locked: ReadonlyMap<string, Version>;
};

/** A requirement to rewrite, and the newest version of its package that may be picked. */
type Asked = {
  project: Project;
  kind: RequirementKind;
  name: string;
  range: string;
  newest: Version;
  /** The newest one that the range as it stands lets in. */
  today: Version | undefined;
};

/**
 * The workspace with the ranges of `projects` rewritten to the newest versions, as far as these can be had together. Where not all can,
 * each package is as new as it can be without another one going back, and those not at their newest are told. Where not even
 * that can be solved, and where a package that was named cannot move at all, every range is rewritten, so that solving tells why it fails.
 *
 * @throws registry_untrusted, network
 */
export async function editToLatest(about: About, projects: readonly Project[]): Promise<Edited> {
  const { workspace } = about;
  const asked: Asked[] = [];
  for (const project of projects) asked.push(...(await askedOf(about, project)));
  const newest = new Map(asked.map(({ name, newest: version }) => [name, version]));
  const full = rewritten(workspace, asked, newest);
  if (asked.length === 0) return { workspace, behind: [] };
  const all = await tryToSolve(about, full);
  const chosen = all.ok ? versionsIn(all) : undefined;
  // What is optional is left out rather than failing.
  if (chosen && asked.every(({ name }) => chosen.has(name)))
    return { workspace: full, chosen, behind: [] };
  const found = await furthest(about, asked, newest);
  if (!found || isFruitless(about, asked, found)) return { workspace: full, behind: [] };
  return { ...found, workspace: rewritten(workspace, asked, found.chosen) };
}

/** Whether all was for nothing, where packages were named: that is to fail, and to be told at length. */
function isFruitless(
  { options: { mode }, old }: About,
  asked: readonly Asked[],
  { chosen }: Furthest,
): boolean {
  if (mode.kind !== "update" || mode.latest !== true || mode.names.length === 0) return false;
  const before = new Map<string, Version>(old?.packages.map((item) => [item.name, item.version]));
  return asked.every(({ name }) => chosen.get(name) === before.get(name));
}

/** Only what stands in the manifest: of an update to what something else asks for, the lock alone tells. */
async function askedOf(
  { options, workspace, metadata }: About,
  project: Project,
): Promise<Asked[]> {
  const isMember = new Set<string>(workspace.members.map(({ name }) => name));
  const { manifest } = project;
  const isMeant = (name: string): boolean =>
    !isMember.has(name) &&
    isToLatest(options.mode, name) &&
    // Whoever overrides a package has chosen its version.
    !Object.hasOwn(manifest.overrides, name);
  const meant = REQUIREMENT_KINDS.flatMap((kind) => Object.keys(manifest[kind])).filter(isMeant);
  // All at the same time; what fails is thrown below, where it is waited for in turn.
  for (const name of meant) metadata.versionsOf(name).catch(() => undefined);
  const asked: Asked[] = [];
  for (const kind of REQUIREMENT_KINDS)
    for (const [name, range] of Object.entries(manifest[kind])) {
      if (!isMeant(name)) continue;
      const entries = (await metadata.versionsOf(name)) ?? [];
      const newest = newestOf(entries, options);
      if (newest === undefined || rangeForNewest(range, newest) === undefined) continue;
      const within = entries.filter(({ version }) => satisfies(version, parseRange(range)));
      asked.push({ project, kind, name, range, newest, today: newestOf(within, options) });
    }
  return asked;
}

function isToLatest(mode: InstallMode, name: string): boolean {
  if (mode.kind !== "update") return false;
  if (typeof mode.latest === "object") return mode.latest.includes(name);
  return mode.latest && (mode.names.length === 0 || mode.names.includes(name));
}

function rewritten(
  workspace: Workspace,
  asked: readonly Asked[],
  versions: ReadonlyMap<string, Version>,
): Workspace {
  return edited(workspace, asked, ({ name, range }) => {
    const version = versions.get(name);
    return version && rangeForNewest(range, version);
  });
}

function edited(
  workspace: Workspace,
  asked: readonly Asked[],
  valueOf: (asked: Asked) => string | undefined,
): Workspace {
  return asked.reduce((made, one) => {
    const value = valueOf(one);
    if (value === undefined) return made;
    const { root, members } = made;
    const projects = [root, ...members.map(({ project }) => project)];
    const target = projects.find(({ dir }) => dir === one.project.dir) ?? one.project;
    return withEdits(made, target, [{ path: [one.kind, one.name], value }]);
  }, workspace);
}

type Furthest = Required<Pick<Edited, "chosen" | "behind">>;

/**
 * Versions of which none can be newer without another one of those asked for going back; undefined where nothing fits even with
 * what the manifests allow today.
 */
async function furthest(
  about: About,
  asked: readonly Asked[],
  newest: ReadonlyMap<string, Version>,
): Promise<Furthest | undefined> {
  const start = await tryToSolve(
    about,
    edited(about.workspace, asked, ({ range, today, newest: end }) =>
      [range, ...(today === undefined ? [] : [`>=${today}`]), end].join(" || "),
    ),
  );
  if (!start.ok) return undefined;
  let chosen: ReadonlyMap<string, Version> = versionsIn(start);
  const behind: StayedBehind[] = [];
  for (const [name, latest] of newest) {
    let reason: string | undefined;
    for (let round = 0; round < MAX_ROUNDS && reason === undefined; round++) {
      if (chosen.get(name) === latest) break;
      const next = await furtherWith(about, asked, chosen, name);
      if (typeof next === "string") reason = next;
      else chosen = next;
    }
    const version = chosen.get(name);
    if (reason !== undefined && version !== undefined)
      behind.push({ name, version, latest, reason });
  }
  return { chosen, behind };
}

/** What all others allow with one package newer than it was found, none of them older; else why not. */
async function furtherWith(
  about: About,
  asked: readonly Asked[],
  chosen: ReadonlyMap<string, Version>,
  name: string,
): Promise<ReadonlyMap<string, Version> | string> {
  const floor = chosen.get(name);
  const newer = (newest: Version): string =>
    floor === undefined ? newest : `>${floor} || ${newest}`;
  const workspace = edited(about.workspace, asked, (one) => {
    if (one.name === name) return newer(one.newest);
    const own = chosen.get(one.name);
    return own && `>=${own}`;
  });
  const range = asked.flatMap((one) => (one.name === name ? newer(one.newest) : []))[0] ?? "*";
  const next = await tryToSolve(about, workspace, { name, range, alone: true });
  if (!next.ok) return reasonOf(next.failure, name);
  const versions = versionsIn(next);
  const lost = asked.find((one) => chosen.has(one.name) && !versions.has(one.name));
  return lost ? `${printable(lost.name)}, which is optional, would have to go` : versions;
}

/** What packages, and not the project, say that leads to a failure: first what is said of one of them. One line, safe for a terminal. */
function reasonOf({ proof }: Failure, name: string): string {
  const facts = proof.flatMap(({ says, reason, terms }) =>
    !reason || terms.some(({ project }) => project) ? [] : [{ says, reason }],
  );
  const onIt = facts.filter(({ reason }) => "on" in reason && reason.on === printable(name));
  const isOwn = ({ reason }: (typeof facts)[number]) => reason.package === printable(name);
  const ordered =
    onIt.length > 0 ? onIt : [...facts.filter(isOwn), ...facts.filter((fact) => !isOwn(fact))];
  const told = ordered.map(({ says }) => says);
  if (told.length === 0) return "it cannot be combined with the others";
  const shown = told.slice(0, MAX_FACTS);
  const more = told.length - MAX_FACTS;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more reasons` : ""}`;
}

function tryToSolve(
  about: About,
  workspace: Workspace,
  wanted?: { name: string; range: string; alone: boolean },
): Promise<SolveResult> {
  const { options, metadata, locked } = about;
  const input = solveInputOf(options, workspace, locked, metadata);
  metadata.expect(outsideOf(input.root, workspace.members));
  const steps = wanted ? { maxSteps: MAX_TRY_STEPS } : {};
  return solveAlso({ ...input, ...steps }, { suggestions: false, ...(wanted && { wanted }) });
}

function versionsIn(result: Extract<SolveResult, { ok: true }>): Map<string, Version> {
  return new Map(result.solution.packages.map(({ name, version }) => [name, version]));
}

/** A range that is one version and how far from it: `^1.2.0`, `~1.2.0`, `=1.2.0`, `1.2.0`. */
const STYLED = /^(\^|~|=?)\s*(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/;

/**
 * The range of a manifest that lets the newest version in, written as the old one was: exact stays exact, `~` stays `~`,
 * all else becomes `^`. Undefined where the old one stays: `*`, `1.x` and others that let it in already, one of a workspace,
 * and one that is about a newer version.
 */
export function rangeForNewest(range: string, newest: Version): string | undefined {
  if (!isRange(range)) return undefined;
  const [, style, base] = STYLED.exec(range.trim()) ?? [];
  if (style === undefined || base === undefined)
    return satisfies(newest, parseRange(range)) ? undefined : `^${newest}`;
  return compareVersions(parseVersion(base), newest) < 0 ? `${style}${newest}` : undefined;
}
