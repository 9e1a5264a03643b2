import type { Assignment, Incompatibility, Slot, Term } from "./incompatibility.ts";
import { ABSENT, type VersionSet } from "./sets.ts";

/** The decisions and derivations so far, in order. */
export type Partial = {
  decide: (slot: Slot, bit: number) => void;
  derive: (slot: Slot, set: VersionSet, cause: Incompatibility) => void;
  /** The package whose decision began a level. */
  decisionAt: (level: number) => Slot | undefined;
  /** The level since which a term that holds has held. */
  heldSince: (term: Term) => number;
  /** Forgets every step above a decision level. */
  backtrack: (level: number) => void;
  /** Packages that must be installed and have no version yet. */
  pending: ReadonlySet<Slot>;
  /** The step at which an incompatibility whose terms all hold came to hold, and the level at which it would have followed. */
  satisfierOf: (incompatibility: Incompatibility) => {
    satisfier: Assignment;
    previousLevel: number;
  };
};

/** An empty partial solution. The first decision, the project itself, is at level 0. */
export function createPartial(): Partial {
  const assignments: Assignment[] = [];
  const decisions: Slot[] = [];
  const pending = new Set<Slot>();
  let level = -1;

  const refresh = (slot: Slot): void => {
    const last = slot.history.at(-1);
    slot.allowed = last ? last.allowed : slot.pack.full;
    slot.decided = last !== undefined && last.cause === undefined;
    slot.count = 0;
    if (!slot.decided && (slot.allowed & ABSENT) === 0n) pending.add(slot);
    else pending.delete(slot);
  };

  const assign = (slot: Slot, set: VersionSet, cause: Incompatibility | undefined): void => {
    const allowed = slot.allowed & set;
    const step: Assignment = { slot, set, allowed, index: assignments.length, level, cause };
    assignments.push(step);
    slot.history.push(step);
    refresh(slot);
  };

  return {
    pending,
    decide(slot, bit) {
      decisions[++level] = slot;
      assign(slot, 1n << BigInt(bit), undefined);
    },
    derive: assign,
    decisionAt: (at) => decisions[at],
    heldSince: (term) => firstWithin(term, term.slot.pack.full).level,
    backtrack(to) {
      const touched = new Set<Slot>();
      for (let last = assignments.at(-1); last && last.level > to; last = assignments.at(-1)) {
        assignments.pop();
        last.slot.history.pop();
        touched.add(last.slot);
      }
      for (const slot of touched) refresh(slot);
      level = to;
    },
    satisfierOf,
  };
}

function satisfierOf({ terms }: Incompatibility): { satisfier: Assignment; previousLevel: number } {
  let satisfier: Assignment | undefined;
  let own: Term | undefined;
  let previousLevel = 0;
  for (const term of terms) {
    const step = firstWithin(term, term.slot.pack.full);
    if (!satisfier || step.index > satisfier.index) {
      previousLevel = Math.max(previousLevel, satisfier?.level ?? 0);
      satisfier = step;
      own = term;
    } else previousLevel = Math.max(previousLevel, step.level);
  }
  if (!satisfier || !own) throw new Error("an incompatibility without terms has no satisfier");
  // Where the step alone does not make its term hold, an earlier step of the same package was needed as well.
  if ((satisfier.set & ~own.set) !== 0n)
    previousLevel = Math.max(previousLevel, firstWithin(own, satisfier.set).level);
  return { satisfier, previousLevel };
}

/** The first step of the term's package after which, together with `given`, the term holds. */
function firstWithin({ slot, set }: Term, given: VersionSet): Assignment {
  const outside = given & ~set;
  for (const step of slot.history) if ((step.allowed & outside) === 0n) return step;
  throw new Error("a term that does not hold has no satisfier");
}
