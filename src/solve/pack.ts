import { parsePackageName, type Version } from "#base/names.ts";
import { byName } from "#base/order.ts";
import { compareVersions, isRange, membershipOf, parseRange, stretchesIn } from "#base/ranges.ts";

import { runsOn } from "./engines.ts";
import type { Candidate, Ranges } from "./model.ts";
import type { Override, Overrides } from "./overrides.ts";
import { ABSENT, setOf, setWhere, stretch, type VersionSet } from "./sets.ts";

/** All that is known of one package. It does not change while solving, but for what is filled in on demand. */
export type Pack = {
  name: string;
  /** The project itself: one version, always installed. */
  isRoot: boolean;
  /** False when the registry has no such package. */
  exists: boolean;
  /** Oldest first, one per precedence. Bit i of a set is `candidates[i - 1]`. */
  candidates: readonly Candidate[];
  versions: readonly Version[];
  /** Every state: not installed, and each version. */
  full: VersionSet;
  /** Whether its sets fit a number for bitwise operators. */
  isSmall: boolean;
  stable: VersionSet;
  /** The locked version, or the empty set. */
  locked: VersionSet;
  /** Versions that may not be picked, and why. */
  restrictions: readonly Restriction[];
  /** Versions that no restriction forbids, and the state "not installed". */
  free: VersionSet;
  /** Set → a range that the registry or project wrote for it. For messages. */
  texts: Map<VersionSet, string>;
  /** Set → how messages spell it, once they did. */
  spelled: Map<VersionSet, string>;
  ranges: Map<string, VersionSet | undefined>;
  /** By bit and by content, filled as versions are looked at. */
  requirements: Map<number, readonly Requirement[]>;
  shared: Map<string, Requirement>;
  /** Which candidates ask for what, made once it is asked often. */
  askers: Askers | undefined;
};

/** Section, name and range → the indexes of the candidates that have it. */
type Askers = Record<"runtime" | "optional", Map<string, Map<string, number[]>>>;

/** So many candidates are looked at one by one for who asks for something, before all are put in order once. */
const MANY_LOOKS = 100_000;

/** Versions that may not be picked, whoever asks. */
export type Restriction = { set: VersionSet } & (
  { kind: "yanked" | "too_new" } | { kind: "engines"; range: string; land: string }
);

/** One requirement, with all versions of the depender that have it. */
export type Requirement = {
  depender: Pack;
  dependers: VersionSet;
  name: string;
  /** After overrides. Undefined: any version, pre-releases too (only while looking for suggestions). */
  range: string | undefined;
  kind: RequirementKind;
  /** What of the project decided the range, where the depender did not. */
  override: Override | undefined;
};

/** `wanted`: no manifest has it, it was asked of the solver beside the project. */
export type RequirementKind = "runtime" | "development" | "optional" | "wanted";

/** Whether a name from a manifest can be a package at all. */
export function isPackageName(name: string): boolean {
  try {
    parsePackageName(name);
    return true;
  } catch {
    return false;
  }
}

/** Makes a package out of what the registry listed; undefined: it has none of that name. */
export function createPack(
  name: string,
  listed: readonly Candidate[] | undefined,
  about: { locked: Version | undefined; landVersion: string | undefined },
): Pack {
  const candidates = sortCandidates(listed ?? []);
  const locked = setWhere(candidates.length, (i) => candidates[i]?.version === about.locked);
  const full = (1n << BigInt(candidates.length + 1)) - 1n;
  const restrictions = restrictionsOf(candidates, locked, about.landVersion);
  return {
    name,
    isRoot: false,
    exists: listed !== undefined,
    candidates,
    versions: candidates.map(({ version }) => version),
    full,
    isSmall: candidates.length < 31,
    stable: setWhere(candidates.length, (i) => !candidates[i]?.version.includes("-")),
    locked,
    restrictions,
    free: restrictions.reduce((left, restriction) => left & ~restriction.set, full),
    texts: new Map(),
    spelled: new Map(),
    ranges: new Map(),
    requirements: new Map(),
    shared: new Map(),
    askers: undefined,
  };
}

/** The versions of a package within a range; undefined when the text is no range. */
export function versionsIn(pack: Pack, range: string | undefined): VersionSet | undefined {
  if (range === undefined) return pack.full ^ ABSENT;
  if (pack.ranges.has(range)) return pack.ranges.get(range);
  const set = isRange(range) ? matching(pack, range) : undefined;
  pack.ranges.set(range, set);
  return set;
}

/** Whether a version of a package lies within a range. */
export function holdsVersion(
  { pack, bit }: { pack: Pack; bit: number },
  range: string | undefined,
): boolean {
  return (((versionsIn(pack, range) ?? 0n) >> BigInt(bit)) & 1n) === 1n;
}

/** The versions that no restriction forbids. */
export function usable(pack: Pack, set: VersionSet): VersionSet {
  return set & pack.free;
}

/** What one version requires. Equal requirements of several versions are one object. */
export function requirementsOf(
  pack: Pack,
  bit: number,
  overrides: Overrides,
): readonly Requirement[] {
  const known = pack.requirements.get(bit);
  const candidate = pack.candidates[bit - 1];
  if (known || !candidate) return known ?? [];
  const { dependencies, optionalDependencies, version } = candidate;
  const entries = entriesOf(
    [
      ["runtime", without(dependencies, optionalDependencies)],
      ["optional", optionalDependencies],
    ],
    (name) => overrides.within(pack.name, version, name),
  );
  const own = entries.map((entry) => sharedRequirement(pack, entry, overrides));
  pack.requirements.set(bit, own);
  return own;
}

function sharedRequirement(pack: Pack, entry: Entry, overrides: Overrides): Requirement {
  const key = `${entry.kind}\n${entry.override?.key ?? ""}\n${entry.name}\n${entry.range}`;
  const known = pack.shared.get(key);
  if (known) return known;
  const { candidates, name, shared } = pack;
  const has = (index: number): boolean => {
    const candidate = candidates[index];
    // The range first, because it is what most often differs.
    if (!candidate || (!entry.override && !asksFor(candidate, entry))) return false;
    if (!hasEntry(candidate, entry)) return false;
    return overrides.within(name, candidate.version, entry.name) === entry.override;
  };
  const among =
    entry.override || candidates.length * shared.size < MANY_LOOKS
      ? undefined
      : askersOf(pack, entry);
  const dependers = among
    ? setOf(among.filter(has), candidates.length)
    : setWhere(candidates.length, has);
  const requirement = { depender: pack, dependers, ...entry };
  pack.shared.set(key, requirement);
  return requirement;
}

/** The indexes of all candidates that ask for just that. */
function askersOf(pack: Pack, { kind, name, range }: Entry): readonly number[] {
  pack.askers ??= findAskers(pack.candidates);
  return pack.askers[kind === "optional" ? kind : "runtime"].get(name)?.get(range) ?? [];
}

function findAskers(candidates: readonly Candidate[]): Askers {
  const askers: Askers = { runtime: new Map(), optional: new Map() };
  for (const [index, { dependencies, optionalDependencies }] of candidates.entries())
    for (const [kind, section] of [
      ["runtime", dependencies],
      ["optional", optionalDependencies],
    ] as const)
      for (const name of Object.keys(section)) {
        const byRange = askers[kind].get(name) ?? new Map<string, number[]>();
        askers[kind].set(name, byRange);
        const range = section[name] ?? "";
        const known = byRange.get(range);
        if (known) known.push(index);
        else byRange.set(range, [index]);
      }
  return askers;
}

/** Whether a version asks for the entry's package, in whatever range, in the same section. */
function hasEntry(
  { dependencies, optionalDependencies }: Candidate,
  { name, kind }: Entry,
): boolean {
  const isOptional = Object.hasOwn(optionalDependencies, name);
  return kind === "optional" ? isOptional : !isOptional && Object.hasOwn(dependencies, name);
}

function asksFor(
  { dependencies, optionalDependencies }: Candidate,
  { name, kind, range }: Entry,
): boolean {
  return (kind === "optional" ? optionalDependencies : dependencies)[name] === range;
}

type Entry = Pick<Requirement, "name" | "kind" | "override"> & { range: string };

/** The entries of several sections of a manifest, sorted by name, with overrides in place of what they override. */
export function entriesOf(
  sections: readonly (readonly [RequirementKind, Ranges])[],
  overrideOf: (name: string) => Override | undefined,
): Entry[] {
  const entries: Entry[] = [];
  for (const [kind, section] of sections)
    for (const name in section) {
      if (!Object.hasOwn(section, name)) continue;
      const override = overrideOf(name);
      entries.push({ name, range: override?.range ?? section[name] ?? "", kind, override });
    }
  return entries.toSorted(byName);
}

/** `section` less the names that stand in `other`. */
export function without(section: Ranges, other: Ranges): Ranges {
  for (const name in other)
    if (Object.hasOwn(section, name))
      return Object.fromEntries(
        Object.entries(section).filter(([key]) => !Object.hasOwn(other, key)),
      );
  return section;
}

function sortCandidates(listed: readonly Candidate[]): readonly Candidate[] {
  const isNewer = ({ version }: Candidate, index: number): boolean => {
    const before = listed[index - 1];
    return !before || compareVersions(before.version, version) < 0;
  };
  if (listed.every(isNewer)) return listed;
  const sorted = listed.toSorted((a, b) => compareVersions(a.version, b.version));
  return sorted.filter((candidate, index) => {
    const before = sorted[index - 1];
    return !before || compareVersions(before.version, candidate.version) !== 0;
  });
}

function restrictionsOf(
  candidates: readonly Candidate[],
  locked: VersionSet,
  land: string | undefined,
): Restriction[] {
  const restrictions: Restriction[] = [];
  const yanked = setWhere(candidates.length, (i) => candidates[i]?.yanked === true) & ~locked;
  if (yanked !== 0n) restrictions.push({ kind: "yanked", set: yanked });
  const tooNew = setWhere(candidates.length, (i) => candidates[i]?.tooNew === true) & ~locked;
  if (tooNew !== 0n) restrictions.push({ kind: "too_new", set: tooNew });
  if (land === undefined) return restrictions;
  const ranges = new Map<string, number[]>();
  for (const [index, { engines }] of candidates.entries()) {
    const range = engines?.["land"];
    if (range === undefined) continue;
    const known = ranges.get(range);
    if (known) known.push(index);
    else ranges.set(range, [index]);
  }
  for (const [range, indexes] of ranges)
    if (!runsOn(land, range))
      restrictions.push({ kind: "engines", set: setOf(indexes, candidates.length), range, land });
  return restrictions;
}

function matching(pack: Pack, text: string): VersionSet {
  const range = parseRange(text);
  const { versions, stable, isSmall } = pack;
  if (!isSmall)
    return stretchesIn(range, versions).reduce((set, { from, to, prereleases }) => {
      const found = stretch(from + 1, to);
      return set | (prereleases ? found : found & stable);
    }, 0n);
  const isWithin = membershipOf(range);
  return setWhere(pack.candidates.length, (index) => {
    const candidate = pack.candidates[index];
    return candidate !== undefined && isWithin(candidate.version);
  });
}
