import { fail } from "#base/errors.ts";
import { byName, byText } from "#base/order.ts";
import { compareVersions } from "#base/ranges.ts";

import { type Lock, type LockedPackage, parseLock } from "./lockfile.ts";

/**
 * The lock of a file in which version control left conflict markers (diff3 too): both sides together. Of a package that
 * both sides have, the newer version stays; keys are joined. Undefined where there are no markers. What comes out may not
 * fit the manifest: whoever installs solves again, with these versions preferred.
 *
 * @throws lock_invalid where markers do not pair up, where a side alone is no lock, or where the sides disagree on the
 * digest of one version: then one of them is wrong, and only a person can tell which
 */
export function mergeConflicts(text: string): Lock | undefined {
  const sides = splitSides(text);
  if (!sides) return undefined;
  const [ours, theirs] = [parseLock(sides.ours), parseLock(sides.theirs)];
  const packages = new Map(ours.packages.map((item) => [item.name, item]));
  for (const item of theirs.packages) {
    const other = packages.get(item.name);
    packages.set(item.name, other ? mergePackage(other, item) : item);
  }
  return {
    manifests: new Map([...theirs.manifests, ...ours.manifests]),
    packages: [...packages.values()].toSorted(byName),
    unknown: [...new Map([...theirs.unknown, ...ours.unknown])],
  };
}

function mergePackage(ours: LockedPackage, theirs: LockedPackage): LockedPackage {
  const order = compareVersions(ours.version, theirs.version);
  if (order === 0 && ours.digest !== theirs.digest)
    throw fail("lock_invalid", {
      problem: `the two sides of its conflict disagree on the bytes of "${ours.name}@${ours.version}": ${ours.digest} and ${theirs.digest}`,
    });
  const chosen = order >= 0 ? ours : theirs;
  return { ...chosen, keys: [...new Set([...ours.keys, ...theirs.keys])].toSorted(byText) };
}

type Place = "both" | "ours" | "base" | "theirs";

/** The file as each side had it. */
function splitSides(text: string): { ours: string; theirs: string } | undefined {
  const sides: { ours: string[]; theirs: string[] } = { ours: [], theirs: [] };
  let place: Place = "both";
  let conflicts = 0;
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const next = placeAfter(line, place, at + 1);
    if (next === undefined) {
      if (place === "both" || place === "ours") sides.ours.push(line);
      if (place === "both" || place === "theirs") sides.theirs.push(line);
      continue;
    }
    if (next === "ours") conflicts += 1;
    place = next;
  }
  if (place !== "both") throw unpaired("the last conflict does not end");
  if (conflicts === 0) return undefined;
  return { ours: sides.ours.join("\n"), theirs: sides.theirs.join("\n") };
}

/** Where a marker leads; undefined for a line that is none. */
function placeAfter(line: string, place: Place, number: number): Place | undefined {
  const marker = /^(<{7}|\|{7}|={7}|>{7})(?: .*)?$/.exec(line)?.[1]?.[0];
  if (marker === undefined || (marker === "=" && place === "both")) return undefined;
  const steps: Record<string, [from: Place[], to: Place]> = {
    "<": [["both"], "ours"],
    "|": [["ours"], "base"],
    "=": [["ours", "base"], "theirs"],
    ">": [["theirs"], "both"],
  };
  const step = steps[marker];
  if (!step?.[0].includes(place))
    throw unpaired(`the conflict marker in line ${number} has no partner`);
  return step[1];
}

function unpaired(problem: string): Error {
  return fail("lock_invalid", { problem });
}
