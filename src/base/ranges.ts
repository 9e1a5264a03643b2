import type SemverRange from "semver/classes/range.js";
import type SemverVersion from "semver/classes/semver.js";

import { fail } from "./errors.ts";
import { printable, type Version } from "./names.ts";
import { nodeSemver } from "./node-semver.ts";
import {
  compareNumbers,
  liesIn,
  type Numbers,
  numbersOf,
  type PlainRange,
  plainRangeOf,
} from "./plain-versions.ts";

declare const brand: unique symbol;
/** A range of versions in node-semver's grammar, as written but for outer spaces; `*` for the empty text. */
export type Range = string & { readonly [brand]: "Range" };

/** Both bounds keep the parser linear, whatever the text. */
const MAX_LENGTH = 256;
const MAX_ALTERNATIVES = 32;
const CACHE_SIZE = 20_000;
const ranges = new Map<string, SemverRange>();
const versions = new Map<string, SemverVersion>();
/** Where there are any, node-semver, whose first use takes milliseconds, is not asked. */
const plainRanges = new Map<string, PlainRange | false>();
const plainVersions = new Map<string, Numbers | false>();

/**
 * Checks a range such as `^1.2.0`, `1.x || >=2.5.0` or `1.2 - 2.3`: at most 256 characters and 32 alternatives.
 *
 * @throws name_invalid
 * @see https://github.com/npm/node-semver#ranges
 */
export function parseRange(value: unknown): Range {
  const text = typeof value === "string" ? value.trim() || "*" : "";
  const problem = problemOf(value, text);
  if (problem === undefined && isClean(text)) return text;
  throw fail("name_invalid", {
    what: "a version range",
    value: printable(text),
    problem: problem ?? "",
  });
}

/** Whether `text` is a range: also true for a plain version, `*`, `x` and the empty text. */
export function isRange(text: string): boolean {
  return problemOf(text, text.trim() || "*") === undefined;
}

/** Whether `version` lies in `range`. A pre-release does only where the range names one of its own major.minor.patch. */
export function satisfies(version: Version, range: Range): boolean {
  return membershipOf(range)(version);
}

/** `satisfies` for many versions of one range. */
export function membershipOf(range: Range): (version: Version) => boolean {
  const plain = plainOf(range);
  return (version) => {
    const numbers = plain && plainVersionOf(version);
    return numbers
      ? liesIn(numbers, plain)
      : cached(ranges, range, parsedRange).test(versionOf(version));
  };
}

/** A stretch of a sorted list; only its stable versions are meant, or all. `to` is the first index that is out of it. */
export type Stretch = { from: number; to: number; prereleases: boolean };

/** Where the versions that lie in a range stand in a list sorted by precedence: those in any stretch, and no others. */
export function stretchesIn(range: Range, sorted: readonly Version[]): Stretch[] {
  const parsed = cached(ranges, range, parsedRange);
  return parsed.set.flatMap((comparators) => {
    let [from, to] = [0, sorted.length];
    const named: SemverVersion[] = [];
    for (const { operator, semver } of comparators) {
      // Else it is node-semver's mark for any version.
      if (!(semver instanceof nodeSemver().SemverVersion)) continue;
      if (semver.prerelease.length > 0) named.push(semver);
      if (operator !== "<" && operator !== "<=")
        from = Math.max(from, firstFrom(sorted, semver, operator === ">"));
      if (operator !== ">" && operator !== ">=")
        to = Math.min(to, firstFrom(sorted, semver, operator !== "<"));
    }
    // A pre-release lies in it only beside one of its own major.minor.patch that is named.
    const beside = named.map(({ major, minor, patch }) => {
      const release = `${major}.${minor}.${patch}`;
      const [low, high] = [`${release}-0`, release].map((text) =>
        firstFrom(sorted, parsedVersion(text), false),
      );
      const prereleases = true;
      return { from: Math.max(from, low ?? 0), to: Math.min(to, high ?? 0), prereleases };
    });
    beside.push({ from, to, prereleases: false });
    return beside;
  });
}

/** The index of the first version that is not older than a bound, or newer than it. */
function firstFrom(sorted: readonly Version[], bound: SemverVersion, newer: boolean): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const version = sorted[middle];
    const order = version === undefined ? 1 : versionOf(version).compare(bound);
    if (newer ? order > 0 : order >= 0) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Whether `a` holds fewer versions than `b` and none that `b` does not, of all versions there could be. */
export function isNarrower(a: Range, b: Range): boolean {
  const [inner, outer] = [a, b].map((range) => cached(ranges, range, parsedRange));
  return (
    inner !== undefined && outer !== undefined && isWithin(inner, outer) && !isWithin(outer, inner)
  );
}

/** Orders two versions by SemVer precedence: negative where `a` is older. Fits `Array.sort`. */
export function compareVersions(a: Version, b: Version): number {
  const [one, other] = [plainVersionOf(a), plainVersionOf(b)];
  return one && other ? compareNumbers(one, other) : versionOf(a).compare(versionOf(b));
}

function plainOf(text: string): PlainRange | false {
  return cached(plainRanges, text, (raw) => plainRangeOf(raw) ?? false);
}

function plainVersionOf(version: Version): Numbers | false {
  return cached(plainVersions, version, (text) => numbersOf(text) ?? false);
}

function isClean(text: string): text is Range {
  return text !== "";
}

function isWithin(inner: SemverRange, outer: SemverRange): boolean {
  return nodeSemver().isSubset(inner, outer);
}

function parsedRange(text: string): SemverRange {
  return new (nodeSemver().SemverRange)(text);
}

function parsedVersion(text: string): SemverVersion {
  return new (nodeSemver().SemverVersion)(text);
}

function versionOf(version: Version): SemverVersion {
  return cached(versions, version, parsedVersion);
}

function problemOf(value: unknown, text: string): string | undefined {
  if (typeof value !== "string") return value === undefined ? "it is missing" : "it is not a text";
  if (text.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  if (text.split("||").length > MAX_ALTERNATIVES)
    return `it has more than ${MAX_ALTERNATIVES} alternatives`;
  if (plainOf(text)) return undefined;
  try {
    cached(ranges, text, parsedRange);
    return undefined;
  } catch {
    return "use a range like ^1.2.0, ~1.0, >=2.0.0 <3.0.0, 1.x or *";
  }
}

/** Remembers what `make` gave. Cleared when full, so that text from outside cannot grow it without end. */
function cached<T>(cache: Map<string, T>, key: string, make: (key: string) => T): T {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = make(key);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(key, made);
  return made;
}
