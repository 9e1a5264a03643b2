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

/** What every step begins with. */
const STANDING: Pick<Assignment, "stands" | "laidAside"> = { stands: true, laidAside: undefined };

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
      slot.count = last?.count ?? countOf(slot.allowed);
      queue.put(slot);
    } else if (slot.place >= 0) queue.remove(slot);
  };

  const assign = (slot: Slot, set: VersionSet, cause: Incompatibility | undefined): void => {
    const allowed = slot.allowed & set;
    const index = assignments.length;
    const word = wordOf(slot, allowed);
    const count = slot.pack.isSmall ? undefined : countAfter(slot, allowed);
    const step = { slot, set, allowed, word, count, index, level, cause, ...STANDING };
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
        last.stands = false;
        for (const { slot, incompatibility } of last.laidAside ?? [])
          slot.short.push(incompatibility);
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

/** How many states are left, told from how many there were where one went. */
function countAfter({ history, allowed: before, pack }: Slot, allowed: VersionSet): number {
  const gone = before & ~allowed;
  const count = history.length === 0 ? pack.candidates.length + 1 : history.at(-1)?.count;
  if (count === undefined || (gone & (gone - 1n)) !== 0n) return countOf(allowed);
  return gone === 0n ? count : count - 1;
}

function wordOf({ pack }: Slot, set: VersionSet): number {
  return pack.isSmall ? Number(set) : 0;
}

/** The first step of the term's package after which the term holds, which it does now. */
export function satisfierOf({ slot, set, outside }: Term): Assignment {
  const { history, pack } = slot;
  if (!pack.isSmall) return firstOf(history, ({ allowed }) => (allowed & ~set) === 0n);
  for (const step of history) if ((step.word & outside) === 0) return step;
  throw new Error(NOT_HELD);
}

/** The first step of the term's package after which, together with `given`, the term holds. */
export function satisfierWithin({ slot, set }: Term, given: VersionSet): Assignment {
  const outside = given & ~set;
  return firstOf(slot.history, ({ allowed }) => (allowed & outside) === 0n);
}

/** The first step of the term's package after which it is contradicted, which it is now; undefined: it always was. */
export function contradictedBy({ slot, set }: Term): Assignment | undefined {
  if ((slot.pack.full & set) === 0n) return undefined;
  return firstOf(slot.history, ({ allowed }) => (allowed & set) === 0n);
}

const NOT_HELD = "a term that does not hold has no satisfier";

/** The first step that passes a test which all later ones pass too: what is left only ever becomes less. */
function firstOf(history: readonly Assignment[], test: (step: Assignment) => boolean): Assignment {
  const last = history.at(-1);
  const before = history.at(-2);
  // Most often it is the last one.
  if (last && !(before && test(before)) && test(last)) return last;
  let [from, to] = [0, history.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const step = history[middle];
    if (step && test(step)) to = middle;
    else from = middle + 1;
  }
  const found = history[from];
  if (!found) throw new Error(NOT_HELD);
  return found;
}
