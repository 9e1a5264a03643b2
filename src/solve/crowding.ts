import type { Slot, Term } from "./incompatibility.ts";
import type { Partial } from "./partial.ts";
import { ABSENT, countOf } from "./sets.ts";

/** So many versions of a package that one decision rules out make it worth deciding that package first. */
const MANY_RULED_OUT = 5;
/** So often the order changes in one search; past that the search is hard, and conflicts alone are the better guide. */
const MAX_SWAPS = 32;

/** Decides when two packages should be decided in the other order. */
export type Crowding = {
  /** Notes that the decision of a rival has ruled out a term; whether their order should change. */
  isDue: (term: Term, rival: Slot | undefined) => rival is Slot;
  /** Forgets the rival's decision and all after it, and has the other package decided first. */
  swap: (slot: Slot, rival: Slot) => void;
};

/** The order may change a few times in one search. */
export function createCrowding(solution: Partial): Crowding {
  let left = MAX_SWAPS;
  return {
    isDue: (term, rival): rival is Slot =>
      rival !== undefined && left > 0 && isCrowdedOut(term, rival),
    swap(slot, rival) {
      left--;
      solution.backtrack(levelOf(rival) - 1);
      const conflicts = Math.max(slot.conflicts, rival.conflicts * 2, MANY_RULED_OUT);
      solution.blame(slot, Math.min(conflicts, 2 ** 30));
    },
  };
}

/**
 * Whether the decision of another package has ruled out so many versions of one that was needed before it that the order of
 * the two should change, once. What is left of the one would be so old that it asks for nothing that could be in the way.
 * A locked version is kept whatever it rules out.
 */
function isCrowdedOut({ slot, set }: Term, rival: Slot): boolean {
  if (!rival.decided || rival.pack.isRoot || (rival.allowed & rival.pack.locked) !== 0n)
    return false;
  slot.ruledOut ??= new Map();
  const before = slot.ruledOut.get(rival) ?? 0;
  const count = before + countOf(set & slot.allowed & ~ABSENT);
  slot.ruledOut.set(rival, count);
  if (before >= MANY_RULED_OUT || count < MANY_RULED_OUT) return false;
  const needed = slot.history.find(({ allowed }) => (allowed & ABSENT) === 0n);
  return needed !== undefined && needed.level < levelOf(rival);
}

/** The level of a decided package. */
function levelOf({ history }: Slot): number {
  return history.at(-1)?.level ?? 0;
}
