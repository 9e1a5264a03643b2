import {
  holds,
  type Incompatibility,
  isContradicted,
  onlyOpenTerm,
  type Slot,
} from "./incompatibility.ts";
import { contradictedBy, type Partial } from "./partial.ts";

/** So many incompatibilities of which is known that nothing follows are worth laying aside. */
const MANY_SILENT = 64;

/** What to propagate in, and how long. */
export type Progress = {
  solution: Partial;
  /** Steps left, counted down. */
  budget: { left: number };
};

/** Draws every conclusion that follows from a change. Returns an incompatibility whose terms all hold, if one does. */
export function propagate(start: Slot, progress: Progress): Incompatibility | undefined {
  const changed = new Set([start]);
  for (const slot of changed) {
    changed.delete(slot);
    const conflict =
      lookAtWatching(slot, progress, changed) ?? lookAtShort(slot, progress, changed);
    if (conflict) return conflict;
  }
  return undefined;
}

function lookAtShort(
  slot: Slot,
  { solution, budget }: Progress,
  changed: Set<Slot>,
): Incompatibility | undefined {
  const { short } = slot;
  budget.left -= short.length;
  let silent = 0;
  // Newest first: what was learned last says most.
  for (let at = short.length - 1; at >= 0; at--) {
    const incompatibility = short[at];
    if (!incompatibility) continue;
    if (incompatibility.silencedBy?.stands === true) {
      silent++;
      continue;
    }
    const open = onlyOpenTerm(incompatibility);
    if (open === "none") return incompatibility;
    if (open === "several") {
      // Looking is dear where there are many versions, and much may speak of them.
      if (!slot.pack.isSmall) silence(incompatibility);
      continue;
    }
    solution.derive(open.slot, ~open.set & open.slot.pack.full, incompatibility);
    changed.add(open.slot);
  }
  // Most would be passed over each time.
  if (silent > MANY_SILENT && silent > short.length / 4) layAside(slot);
  return undefined;
}

/** Takes what is silenced away from a package until the step that silences it is forgotten. */
function layAside(slot: Slot): void {
  slot.short = slot.short.filter((incompatibility) => {
    const by = incompatibility.silencedBy;
    if (by?.stands !== true) return true;
    by.laidAside ??= [];
    by.laidAside.push({ slot, incompatibility });
    return false;
  });
}

/** Remembers why nothing follows. */
function silence(incompatibility: Incompatibility): void {
  for (const term of incompatibility.terms)
    if (!term.slot.pack.isSmall && isContradicted(term)) {
      incompatibility.silencedBy = contradictedBy(term);
      return;
    }
}

/** Looks at what waits for a change of this package: it goes on waiting at another, unless only one term is open. */
function lookAtWatching(
  slot: Slot,
  { solution, budget }: Progress,
  changed: Set<Slot>,
): Incompatibility | undefined {
  const { watching } = slot;
  budget.left -= watching.length;
  for (let at = watching.length - 1; at >= 0; at--) {
    const incompatibility = watching[at];
    if (!incompatibility) continue;
    const { terms, watched } = incompatibility;
    const here = terms[watched[0]]?.slot === slot ? 0 : 1;
    const own = terms[watched[here]];
    const other = terms[watched[here ? 0 : 1]];
    if (!own || !other || !holds(own) || isContradicted(other)) continue;
    const next = openElsewhere(incompatibility);
    if (next >= 0) {
      watched[here] = next;
      terms[next]?.slot.watching.push(incompatibility);
      const last = watching.pop();
      if (last && at < watching.length) watching[at] = last;
      continue;
    }
    if (holds(other)) return incompatibility;
    solution.derive(other.slot, ~other.set & other.slot.pack.full, incompatibility);
    changed.add(other.slot);
  }
  return undefined;
}

/** A term that is not watched and does not hold; -1: there is none. */
function openElsewhere({ terms, watched }: Incompatibility): number {
  for (let at = 0; at < terms.length; at++) {
    const term = terms[at];
    if (term && at !== watched[0] && at !== watched[1] && !holds(term)) return at;
  }
  return -1;
}
