import type { Pack, Requirement, Restriction } from "./pack.ts";
import type { VersionSet } from "./sets.ts";

/** One package within one search: what is left of it, how that came about, and what speaks about it. */
export type Slot = {
  pack: Pack;
  /** When the search first met it; breaks ties. */
  seen: number;
  /** The states still possible: the intersection of its history. */
  allowed: VersionSet;
  /** The same as a number, where the package is small. */
  word: number;
  decided: boolean;
  history: Assignment[];
  /** What has one or two terms, one of them here. */
  short: Incompatibility[];
  /** What has more terms and waits for a change here. */
  watching: Incompatibility[];
  /** How often it took part in a dead end. */
  conflicts: number;
  /** Whether the project itself asks for it. */
  direct: boolean;
  /** How many of its versions the decision of another package ruled out, by that package. */
  ruledOut: Map<Slot, number> | undefined;
  /** How many versions are left. */
  count: number;
  /** Where it stands in the queue of those to be decided; -1: it is not in it. */
  place: number;
};

/** A step of the partial solution: a decision (no cause) or a derivation. */
export type Assignment = {
  slot: Slot;
  set: VersionSet;
  /** What is left of the package after this step. */
  allowed: VersionSet;
  word: number;
  /** How many states that is, of a package of many versions. */
  count: number | undefined;
  index: number;
  level: number;
  cause: Incompatibility | undefined;
  /** False once it was forgotten. */
  stands: boolean;
  /** What need not be looked at while it stands, and of which package. */
  laidAside: { slot: Slot; incompatibility: Incompatibility }[] | undefined;
};

/** Holds when the package's state is in the set. */
export type Term = {
  slot: Slot;
  set: VersionSet;
  /** The states that are not in the set as a number, where the package is small. */
  outside: number;
};

/** Terms that cannot all hold, at most one per package, none that always holds. */
export type Incompatibility = {
  terms: readonly Term[];
  cause: Cause;
  /** Which two terms are watched, where there are more. */
  watched: [number, number];
  /** A step that contradicts a term of it: while it stands, nothing follows. */
  silencedBy: Assignment | undefined;
};

/** Why an incompatibility holds: a fact, or two others that it follows from. */
export type Cause =
  | { kind: "requirement"; requirement: Requirement }
  | { kind: "unmatched"; requirement: Requirement; target: Pack }
  | { kind: "missing" | "unreadable"; requirement: Requirement }
  | { kind: "restriction"; pack: Pack; restriction: Restriction }
  | { kind: "derived"; readonly first: Incompatibility; readonly second: Incompatibility };

/** One application of the rule of resolution to what was there before it. */
export type Resolution = { second: Incompatibility; pivot: Slot };

/** Makes an incompatibility that is not watched yet. */
export function incompatibilityOf(terms: readonly Term[], cause: Cause): Incompatibility {
  return { terms, cause, watched: [0, 1], silencedBy: undefined };
}

/** Makes a term. */
export function termOf(slot: Slot, set: VersionSet): Term {
  return { slot, set, outside: slot.pack.isSmall ? Number(slot.pack.full & ~set) : 0 };
}

/** Whether the package's state is in the set, whatever is picked. */
export function holds({ slot, set, outside }: Term): boolean {
  return slot.pack.isSmall ? (slot.word & outside) === 0 : (slot.allowed & set) === slot.allowed;
}

/** Whether the package's state is not in the set, whatever is picked. */
export function isContradicted({ slot, set, outside }: Term): boolean {
  return slot.pack.isSmall ? (slot.word & ~outside) === 0 : (slot.allowed & set) === 0n;
}

/** The one term that does not hold yet and still could; "several" also where one is contradicted. */
export function onlyOpenTerm({ terms }: Incompatibility): Term | "none" | "several" {
  let open: Term | undefined;
  for (const term of terms) {
    if (holds(term)) continue;
    if (open || isContradicted(term)) return "several";
    open = term;
  }
  return open ?? "none";
}

/** The rule of resolution: from two incompatibilities that both speak of `pivot`, one that no longer needs both. */
function resolve(first: Incompatibility, { second, pivot }: Resolution): Incompatibility {
  const sets = new Map<Slot, VersionSet>();
  for (const { slot, set } of first.terms) sets.set(slot, set);
  for (const { slot, set } of second.terms) {
    const known = sets.get(slot);
    sets.set(slot, known === undefined ? set : slot === pivot ? known | set : known & set);
  }
  const terms: Term[] = [];
  for (const [slot, set] of sets) if (set !== slot.pack.full) terms.push(termOf(slot, set));
  return incompatibilityOf(terms, { kind: "derived", first, second });
}

/** What follows from an incompatibility by many steps, as a cause. The steps between are made when someone looks at them. */
export function followsBy(start: Incompatibility, steps: readonly Resolution[]): Cause {
  let before: Incompatibility | undefined;
  const last = steps.at(-1);
  if (!last) return start.cause;
  return {
    kind: "derived",
    get first() {
      before ??= steps.slice(0, -1).reduce(resolve, start);
      return before;
    },
    second: last.second,
  };
}
