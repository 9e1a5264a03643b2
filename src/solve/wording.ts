import { isVersion, printable } from "#base/names.ts";
import { isRange, parseRange, satisfies } from "#base/ranges.ts";

import type { Cause, Incompatibility, Term } from "./incompatibility.ts";
import type { Reason } from "./model.ts";
import type { Override } from "./overrides.ts";
import type { Pack, Requirement } from "./pack.ts";
import { ABSENT, bitsOf, highestOf, lowestOf, runsOf, stretch, type VersionSet } from "./sets.ts";

/** Runs of versions that a message spells out before it counts the rest. */
const MAX_RUNS = 4;

/** The facts of a derivation, without what follows from others. */
export type Fact = Exclude<Cause, { kind: "derived" }>;

/** A set of versions as a range a person would write: as someone wrote it, or folded from its runs. */
export function rangeText(pack: Pack, set: VersionSet): string {
  const versions = set & ~ABSENT;
  const spelled = pack.spelled.get(versions) ?? spell(pack, versions);
  pack.spelled.set(versions, spelled);
  return spelled;
}

function spell(pack: Pack, versions: VersionSet): string {
  const isSingle = versions !== 0n && (versions & (versions - 1n)) === 0n;
  if (isSingle) return versionAt(pack, highestOf(versions));
  const written = pack.texts.get(versions);
  if (written !== undefined) return printable(written);
  if (versions === (pack.full ^ ABSENT)) return "*";
  // A range without pre-releases admits none, so folding over the stable versions alone says the same, shorter.
  const among = (versions & ~pack.stable) === 0n ? pack.stable : pack.full ^ ABSENT;
  const runs = foldRuns(pack, versions, among);
  const more = runs.length - MAX_RUNS;
  return more > 0
    ? `${runs.slice(0, MAX_RUNS).join(" || ")} || … (${more} more)`
    : runs.join(" || ");
}

function foldRuns(pack: Pack, versions: VersionSet, among: VersionSet): string[] {
  const [lowest, highest] = [lowestOf(among), highestOf(among)];
  // What is not to be told of lies in no one's way.
  const runs = runsOf(versions | (pack.full & ~among));
  return runs.flatMap(([first, last]) => {
    const told = versions & stretch(first, last);
    if (told === 0n) return [];
    const [from, to] = [lowestOf(told), highestOf(told)];
    const low = from === lowest ? "" : `>=${versionAt(pack, from)}`;
    const high = to === highest ? "" : `<${versionAt(pack, last + 1)}`;
    return from === to ? versionAt(pack, from) : `${low} ${high}`.trim() || "*";
  });
}

/** The version that a bit stands for, to be printed. */
export function versionAt(pack: Pack, bit: number): string {
  return printable(pack.candidates[bit - 1]?.version ?? "");
}

/** The name of a package, or of the project. */
export function nameText(pack: Pack): string {
  return pack.isRoot && pack.name === "" ? "this project" : printable(pack.name);
}

/** Versions as the subject of a sentence: `foo ^1.0.0`, `every version of foo`. */
export function subjectText(pack: Pack, set: VersionSet): string {
  if (pack.isRoot) return nameText(pack);
  return isEvery(pack, set)
    ? `every version of ${nameText(pack)}`
    : `${nameText(pack)} ${rangeText(pack, set)}`;
}

/** Whether the set is all there is of a package with several versions. */
function isEvery(pack: Pack, set: VersionSet): boolean {
  return set === (pack.full ^ ABSENT) && pack.candidates.length > 1;
}

function objectText(pack: Pack, set: VersionSet): string {
  return isEvery(pack, set) ? nameText(pack) : `${nameText(pack)} ${rangeText(pack, set)}`;
}

/** What an incompatibility says, as a clause without a full stop. */
export function statementOf({ terms, cause }: Incompatibility): string {
  return cause.kind === "derived" ? conclusionText(terms) : factText(cause);
}

function conclusionText(all: readonly Term[]): string {
  const terms = all.filter(({ slot }) => !slot.pack.isRoot);
  const inProject = terms.length < all.length;
  const given = terms.filter(({ set }) => (set & ABSENT) === 0n);
  const needed = terms
    .filter(({ set }) => (set & ABSENT) !== 0n)
    .map(({ slot, set }) => objectText(slot.pack, slot.pack.full & ~set));
  const subjects = given.map(({ slot, set }) => subjectText(slot.pack, set));
  const objects = given.map(({ slot, set }) => objectText(slot.pack, set));
  if (terms.length === 0) return "no versions fit together";
  if (subjects.length === 0)
    return `${joined(needed, "or")} ${inProject ? "is needed" : "is required"}`;
  if (needed.length > 0) return `${joined(subjects, "with")} requires ${joined(needed, "or")}`;
  if (subjects.length === 1)
    return given.every(({ slot, set }) => isEvery(slot.pack, set))
      ? `no version of ${given.map(({ slot }) => nameText(slot.pack)).join("")} can be used`
      : `${subjects.join("")} cannot be used`;
  return `${subjects[0]} cannot be used with ${joined(objects.slice(1), "and")}`;
}

/** What a fact says, as a clause without a full stop. */
export function factText(fact: Fact): string {
  if (fact.kind === "restriction") return restrictionText(fact);
  const { depender, dependers, name, range } = fact.requirement;
  const isWanted = fact.requirement.kind === "wanted";
  const subject = isWanted ? "you" : subjectText(depender, dependers);
  const on = printable(name);
  const asked = printable(range ?? "*");
  const how = qualifierOf(fact.requirement);
  const verb = `${subject} ${isWanted ? "ask for" : "depends on"} ${on}`;
  if (fact.kind === "requirement") return `${verb} ${asked}${how}`;
  if (fact.kind === "unmatched")
    return `${verb} ${asked}${how}, which no version matches (${whatExists(fact)})`;
  return fact.kind === "missing"
    ? `${verb}${how}, which does not exist`
    : `${subject} ${isWanted ? "ask" : "asks"} for ${on} as "${asked}"${how}, which is not a version range`;
}

/** How a requirement came to be, where it is not plain. */
export function qualifierOf({ kind, override, depender }: Requirement): string {
  const development = kind === "development" ? " for development" : "";
  const optional = kind === "optional" ? " optionally" : "";
  if (override === undefined) return `${development}${optional}`;
  const { parent, parentRange } = override;
  const told = [parent, parentRange].flatMap((text) => (text === undefined ? [] : printable(text)));
  const scope = parent === undefined ? "overrides" : "override";
  const whose = depender.isRoot ? `its ${scope}` : `the ${scope} of the project`;
  const within = parent === undefined ? "" : ` for ${told.join(" ")}`;
  return `${development}${optional} (by ${whose}${within})`;
}

function whatExists({
  target,
  requirement: { range },
}: Extract<Fact, { kind: "unmatched" }>): string {
  const newest = target.candidates.at(-1);
  if (!newest || range === undefined) return "it has no versions";
  if (target.stable === 0n)
    return `there are only pre-releases, the newest is ${printable(newest.version)}`;
  const stable = versionAt(target, highestOf(target.stable));
  const close = target.candidates.findLast(({ version }) => isReleaseWithin(version, range));
  const pre = close
    ? `; the pre-release ${printable(close.version)} must be asked for by name`
    : "";
  return `the newest is ${stable}${pre}`;
}

/** Whether a pre-release would lie in the range once released. */
function isReleaseWithin(version: Pack["candidates"][number]["version"], range: string): boolean {
  if (!version.includes("-")) return false;
  const release = version.replace(/-.*$/, "");
  return isVersion(release) && isRange(range) && satisfies(release, parseRange(range));
}

function restrictionText({ pack, restriction }: Extract<Fact, { kind: "restriction" }>): string {
  if (restriction.kind === "engines") {
    const { set, range, land } = restriction;
    return `${subjectText(pack, set)} needs land ${printable(range)} and this is land ${printable(land)}`;
  }
  const versions = bitsOf(restriction.set)
    .toReversed()
    .map((bit) => versionAt(pack, bit));
  const shown = versions.slice(0, MAX_RUNS);
  if (versions.length > MAX_RUNS) shown.push(`${versions.length - MAX_RUNS} more`);
  const state =
    restriction.kind === "yanked" ? "yanked" : "younger than security.minimumAge allows";
  return `${nameText(pack)} ${joined(shown, "and")} ${versions.length === 1 ? "is" : "are"} ${state}`;
}

/** A fact as data. */
export function reasonOf(fact: Fact): Reason {
  if (fact.kind === "restriction") {
    const { pack, restriction } = fact;
    const about = { package: nameText(pack), versions: rangeText(pack, restriction.set) };
    if (restriction.kind !== "engines") return { kind: restriction.kind, ...about };
    const { range, land } = restriction;
    return { kind: "engines", ...about, range: printable(range), land: printable(land) };
  }
  const { depender, dependers, name, range, kind, override } = fact.requirement;
  const about = {
    package: nameText(depender),
    versions: depender.isRoot ? "*" : rangeText(depender, dependers),
    on: printable(name),
    ...(kind === "runtime" ? {} : { as: kind }),
    ...(override && { override: scopeOf(override) }),
  };
  return fact.kind === "missing"
    ? { kind: fact.kind, ...about }
    : { kind: fact.kind, ...about, range: printable(range ?? "*") };
}

function scopeOf({ parent, parentRange }: Override): { parent?: string; parentRange?: string } {
  return {
    ...(parent !== undefined && { parent: printable(parent) }),
    ...(parentRange !== undefined && { parentRange: printable(parentRange) }),
  };
}

/** `a`, `a and b`, `a, b and c`. */
function joined(parts: readonly string[], word: string): string {
  const last = parts.at(-1) ?? "";
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} ${word} ${last}`;
}
