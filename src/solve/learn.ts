import {
  followsBy,
  type Incompatibility,
  incompatibilityOf,
  type Resolution,
  type Slot,
  type Term,
  termOf,
} from "./incompatibility.ts";
import { type Partial, satisfierOf, satisfierWithin } from "./partial.ts";
import type { VersionSet } from "./sets.ts";

/** What a conflict teaches. */
export type Lesson = {
  clause: Incompatibility;
  /** The one term that no longer holds once the decisions above `level` are forgotten; undefined: no decision is left. */
  own: Term | undefined;
  level: number;
  /** How many terms were looked at. */
  steps: number;
};

/** A term of the clause in the making, and the step that made it hold. */
type Held = { term: Term; index: number; level: number };

/**
 * Finds why a conflict had to come: resolves it with what led to it, latest first, until only one of its terms came to hold
 * at the last level. All terms of the conflict hold.
 *
 * @see https://github.com/dart-lang/pub/blob/master/doc/solver.md#conflict-resolution
 */
export function learnFrom(conflict: Incompatibility, solution: Partial): Lesson {
  const held = new Map<Slot, Held>();
  const steps: Resolution[] = [];
  let looked = 0;

  const put = (slot: Slot, set: VersionSet): void => {
    const term = termOf(slot, set);
    const { index, level } = satisfierOf(term);
    held.set(slot, { term, index, level });
    looked++;
  };
  const latest = (): Held | undefined => {
    let found: Held | undefined;
    for (const one of held.values()) if (!found || one.index > found.index) found = one;
    return found;
  };
  const finish = (own: Held | undefined, level: number): Lesson => {
    const terms = Array.from(held.values(), ({ term }) => term);
    const clause =
      steps.length > 0 ? incompatibilityOf(terms, followsBy(conflict, steps)) : conflict;
    return { clause, own: own?.term, level, steps: looked };
  };

  for (const { slot, set } of conflict.terms) put(slot, set);
  let index = latest()?.index ?? 0;
  for (; index >= 0; index--) {
    const step = solution.stepAt(index);
    const own = step && held.get(step.slot);
    if (!step || own?.index !== index) continue;
    if (step.slot.pack.isRoot) break;
    const previous = previousLevel(held, own, step.set);
    if (step.cause === undefined || previous < step.level) return finish(own, previous);
    steps.push({ second: step.cause, pivot: step.slot });
    for (const { slot, set } of step.cause.terms) {
      const known = held.get(slot);
      if (known === undefined) put(slot, set);
      else if (slot !== step.slot) narrow(known, set);
      else if ((known.term.set | set) === slot.pack.full) held.delete(slot);
      else put(slot, known.term.set | set);
    }
  }
  return finish(undefined, 0);

  function narrow({ term }: Held, set: VersionSet): void {
    if ((term.set & set) !== term.set) put(term.slot, term.set & set);
  }
}

/** The level at which the clause would have followed without its latest term. */
function previousLevel(held: ReadonlyMap<Slot, Held>, own: Held, set: VersionSet): number {
  let previous = 0;
  for (const one of held.values()) if (one !== own) previous = Math.max(previous, one.level);
  // Where the step alone does not make its term hold, an earlier step of the same package was needed as well.
  if ((set & ~own.term.set) !== 0n)
    previous = Math.max(previous, satisfierWithin(own.term, set).level);
  return previous;
}
