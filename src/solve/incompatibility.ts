import type { Pack, Requirement, Restriction } from "./pack.ts";
import type { VersionSet } from "./sets.ts";

/** One package within one search: what is left of it, how that came about, and what speaks about it. */
export type Slot = {
  pack: Pack;
  /** When the search first met it; breaks ties. */
  seen: number;
  /** The states still possible: the intersection of its history. */
  allowed: VersionSet;
  decided: boolean;
  history: Assignment[];
  incompatibilities: Incompatibility[];
  /** How often it took part in a dead end. */
  conflicts: number;
  /** Whether the project itself asks for it. */
  direct: boolean;
  /** How many of its versions the decision of another package ruled out, by that package. */
  ruledOut: Map<Slot, number>;
  /** `countOf(allowed)`, or 0 when not counted since the last change. */
  count: number;
};

/** A step of the partial solution: a decision (no cause) or a derivation. */
export type Assignment = {
  slot: Slot;
  set: VersionSet;
  /** What is left of the package after this step. */
  allowed: VersionSet;
  index: number;
  level: number;
  cause: Incompatibility | undefined;
};

/** Holds when the package's state is in the set. */
export type Term = { slot: Slot; set: VersionSet };

/** Terms that cannot all hold, at most one per package, none that always holds. */
export type Incompatibility = { terms: readonly Term[]; cause: Cause };

/** Why an incompatibility holds: a fact, or two others that it follows from. */
export type Cause =
  | { kind: "requirement"; requirement: Requirement }
  | { kind: "unmatched"; requirement: Requirement; target: Pack }
  | { kind: "missing" | "unreadable"; requirement: Requirement }
  | { kind: "restriction"; pack: Pack; restriction: Restriction }
  | { kind: "derived"; first: Incompatibility; second: Incompatibility };

/** The rule of resolution: from two incompatibilities that both speak of `pivot`, one that no longer needs both. */
export function resolve(
  first: Incompatibility,
  second: Incompatibility,
  pivot: Slot,
): Incompatibility {
  const sets = new Map<Slot, VersionSet>();
  for (const { slot, set } of first.terms) sets.set(slot, set);
  for (const { slot, set } of second.terms) {
    const known = sets.get(slot);
    sets.set(slot, known === undefined ? set : slot === pivot ? known | set : known & set);
  }
  const terms: Term[] = [];
  for (const [slot, set] of sets) if (set !== slot.pack.full) terms.push({ slot, set });
  return { terms, cause: { kind: "derived", first, second } };
}

/** Whether the terms hold in every state of the world: nothing is left but the project itself. */
export function isFailure({ terms }: Incompatibility): boolean {
  return terms.every(({ slot }) => slot.pack.isRoot);
}
