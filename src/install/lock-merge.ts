import { fail, LandError } from "#base/errors.ts";

import { mergeLocks } from "./lock-three-way.ts";
import { type Lock, mayConflict, parseLock } from "./lockfile.ts";

/** Conflicts within a side of a conflict, as a merge of merges leaves them. */
const MAX_NESTED = 8;

/**
 * The lock of a file in which version control left conflict markers, of any size, by `mergeLocks`; with the base where
 * the markers hold it (diff3). Undefined where there are no markers.
 *
 * @throws lock_invalid where markers do not pair up, where a side alone is no lock, or where the sides disagree on the
 * digest of one version; lock_version_unknown
 */
export function mergeConflicts(text: string): Lock | undefined {
  return mergeNested(text, 0);
}

function mergeNested(text: string, depth: number): Lock | undefined {
  const sides = splitSides(text);
  if (!sides) return undefined;
  if (depth === MAX_NESTED) throw unpaired("its conflicts stand in one another too deep");
  const read = (side: string): Lock => mergeNested(side, depth + 1) ?? parseLock(side);
  const { base, ours, theirs } = sides;
  return mergeLocks(base === undefined ? undefined : readBase(base), read(ours), read(theirs));
}

/** A base that is no lock, as that of a merge of merges may be, tells nothing. */
export function readBase(text: string): Lock | undefined {
  try {
    return parseLock(text);
  } catch (error) {
    if (error instanceof LandError) return undefined;
    throw error;
  }
}

type Place = "both" | "ours" | "base" | "theirs";
type Sides = { base: string | undefined; ours: string; theirs: string };

/** The file as each side had it, and as it was before where every conflict tells. Markers of another size are left to them. */
function splitSides(text: string): Sides | undefined {
  if (!mayConflict(text)) return undefined;
  const size = /^(<{3,})(?: |\r?$)/m.exec(text)?.[1]?.length ?? strayMarker(text);
  if (size === undefined) return undefined;
  const lines: { [side in "base" | "ours" | "theirs"]: string[] } = {
    base: [],
    ours: [],
    theirs: [],
  };
  let place: Place = "both";
  let hasBase = true;
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const next = placeAfter(line, size, place, at + 1);
    if (next === undefined) {
      for (const side of ["base", "ours", "theirs"] as const)
        if (place === "both" || place === side) lines[side].push(line);
      continue;
    }
    if (next === "theirs" && place === "ours") hasBase = false;
    place = next;
  }
  if (place !== "both") throw unpaired("the last conflict does not end");
  return {
    base: hasBase ? lines.base.join("\n") : undefined,
    ours: lines.ours.join("\n"),
    theirs: lines.theirs.join("\n"),
  };
}

/** The size of a marker that ends what did not begin. */
function strayMarker(text: string): number | undefined {
  return /^(\|{3,}|>{3,})(?: |\r?$)/m.exec(text)?.[1]?.length;
}

/** Where a marker leads; undefined for a line that is none. */
function placeAfter(line: string, size: number, place: Place, number: number): Place | undefined {
  const marker = /^([<|=>])\1{2,}(?= |$)/.exec(line)?.[0];
  if (marker?.length !== size || (marker[0] === "=" && place === "both")) return undefined;
  const steps: Record<string, [from: Place[], to: Place]> = {
    "<": [["both"], "ours"],
    "|": [["ours"], "base"],
    "=": [["ours", "base"], "theirs"],
    ">": [["theirs"], "both"],
  };
  const step = steps[marker[0] ?? ""];
  if (!step?.[0].includes(place))
    throw unpaired(`the conflict marker in line ${number} has no partner`);
  return step[1];
}

function unpaired(problem: string): Error {
  return fail("lock_invalid", { problem });
}
