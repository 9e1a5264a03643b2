import type { Assignment, Incompatibility, Slot, Term } from "./incompatibility.ts";
import { createQueue } from "./queue.ts";
import { ABSENT, countOf, type VersionSet } from "./sets.ts";

/** The decisions and derivations so far, in order. */
export type Partial = {
  decide: (slot: Slot, bit: number) => void;
  derive: (slot: Slot, set: VersionSet, cause: Incompatibility) => void;
  /** A step by its index. */
  stepAt: (index: number) => Assignment | undefined;
  /** The package whose decision began a level. */
  decisionAt: (level: number) => Slot | undefined;
  /** Forgets every step above a decision level. */
  backtrack: (level: number) => void;
  /** The package to decide next, of those that must be installed and have no version yet. */
  next: () => Slot | undefined;
  /** Notes how often a package took part in a dead end. */
  blame: (slot: Slot, conflicts: number) => void;
};

/** An empty partial solution. The first decision, the project itself, is at level 0. */
export function createPartial(): Partial {
  const assignments: Assignment[] = [];
  const decisions: Slot[] = [];
  const queue = createQueue();
  let level = -1;

  const refresh = (slot: Slot): void => {
    const last = slot.history.at(-1);
    const { pack } = slot;
    slot.allowed = last ? last.allowed : pack.full;
    slot.word = last ? last.word : wordOf(slot, pack.full);
    slot.decided = last !== undefined && last.cause === undefined;
    if (!slot.decided && (slot.allowed & ABSENT) === 0n) {
      slot.count = countOf(slot.allowed);
      queue.put(slot);
    } else if (slot.place >= 0) queue.remove(slot);
  };

  const assign = (slot: Slot, set: VersionSet, cause: Incompatibility | undefined): void => {
    const allowed = slot.allowed & set;
    const index = assignments.length;
    const step = { slot, set, allowed, word: wordOf(slot, allowed), index, level, cause };
    assignments.push(step);
    slot.history.push(step);
    refresh(slot);
  };

  return {
    next: queue.first,
    decide(slot, bit) {
      decisions[++level] = slot;
      assign(slot, 1n << BigInt(bit), undefined);
    },
    derive: assign,
    stepAt: (index) => assignments[index],
    decisionAt: (at) => decisions[at],
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
    blame(slot, conflicts) {
      slot.conflicts = conflicts;
      if (slot.place >= 0) queue.put(slot);
    },
  };
}

function wordOf({ pack }: Slot, set: VersionSet): number {
  return pack.isSmall ? Number(set) : 0;
}

/** The first step of the term's package after which the term holds, which it does now. */
export function satisfierOf({ slot, set, outside }: Term): Assignment {
  const { history, pack } = slot;
  for (const step of history)
    if (pack.isSmall ? (step.word & outside) === 0 : (step.allowed & ~set) === 0n) return step;
  throw new Error("a term that does not hold has no satisfier");
}

/** The first step of the term's package after which, together with `given`, the term holds. */
export function satisfierWithin({ slot, set }: Term, given: VersionSet): Assignment {
  const outside = given & ~set;
  for (const step of slot.history) if ((step.allowed & outside) === 0n) return step;
  throw new Error("a term that does not hold has no satisfier");
}
