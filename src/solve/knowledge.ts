import {
  holds,
  type Incompatibility,
  incompatibilityOf,
  type Slot,
  termOf,
} from "./incompatibility.ts";
import { type Pack, type Requirement, usable, versionsIn } from "./pack.ts";
import { satisfierOf } from "./partial.ts";
import { highestOf } from "./sets.ts";
import type { Source } from "./source.ts";

/** What one search knows: its packages, and what cannot be together. */
export type Knowledge = {
  slotOf: (pack: Pack) => Slot;
  /** Adds what a requirement says, once. Undefined when there is nothing new to add. */
  require: (requirement: Requirement) => Incompatibility | undefined;
  /** What was decided, by name. */
  chosen: () => ReadonlyMap<string, { pack: Pack; bit: number }>;
};

type About = {
  source: Source;
  requirements: readonly Requirement[];
  /** Optional requirements to leave out. */
  dropped: ReadonlySet<Requirement> | "all";
};

/** Knows nothing yet. */
export function createKnowledge({ source, dropped, requirements }: About): Knowledge {
  const direct = new Set(requirements.map(({ name }) => name));
  const slots = new Map<Pack, Slot>();
  const known = new Set<Requirement>();

  const slotOf = (pack: Pack): Slot => {
    const existing = slots.get(pack);
    if (existing) return existing;
    const slot = createSlot(pack, slots.size, direct.has(pack.name));
    slots.set(pack, slot);
    for (const restriction of pack.restrictions) {
      const cause = { kind: "restriction", pack, restriction } as const;
      addIncompatibility(incompatibilityOf([termOf(slot, restriction.set)], cause));
    }
    return slot;
  };

  return {
    slotOf,
    require(requirement) {
      if (known.has(requirement) || isDropped(requirement, dropped)) return undefined;
      known.add(requirement);
      const target = source.get(requirement.name);
      if (!target) throw new Error(`"${requirement.name}" was required before it was loaded`);
      const stated = state(requirement, target, slotOf);
      if (stated) addIncompatibility(stated);
      return stated;
    },
    chosen() {
      const chosen = new Map<string, { pack: Pack; bit: number }>();
      for (const { pack, decided, allowed } of slots.values())
        if (decided && !pack.isRoot) chosen.set(pack.name, { pack, bit: highestOf(allowed) });
      return chosen;
    },
  };
}

function createSlot(pack: Pack, seen: number, direct: boolean): Slot {
  return {
    pack,
    seen,
    allowed: pack.full,
    word: pack.isSmall ? Number(pack.full) : 0,
    decided: false,
    history: [],
    short: [],
    watching: [],
    conflicts: 0,
    direct,
    ruledOut: undefined,
    count: 0,
    place: -1,
  };
}

function isDropped(requirement: Requirement, dropped: About["dropped"]): boolean {
  return dropped === "all" ? requirement.kind === "optional" : dropped.has(requirement);
}

/**
 * Has an incompatibility looked at when one of its packages changes. One of many terms says something only when all but one
 * of them hold, so it waits at two that do not, or came to hold last.
 */
export function addIncompatibility(incompatibility: Incompatibility): void {
  const { terms } = incompatibility;
  if (terms.length < 3) {
    for (const { slot } of terms) slot.short.push(incompatibility);
    return;
  }
  const heldSince = terms.map((term) => (holds(term) ? satisfierOf(term).index : Infinity));
  const order = heldSince
    .map((_, at) => at)
    .toSorted((a, b) => ((heldSince[b] ?? 0) > (heldSince[a] ?? 0) ? 1 : -1));
  incompatibility.watched = [order[0] ?? 0, order[1] ?? 1];
  for (const at of incompatibility.watched) terms[at]?.slot.watching.push(incompatibility);
}

/** A requirement as an incompatibility; undefined where it forbids nothing. */
function state(
  requirement: Requirement,
  target: Pack,
  slotOf: (pack: Pack) => Slot,
): Incompatibility | undefined {
  const set = versionsIn(target, requirement.range);
  if (requirement.kind === "optional" && (set === undefined || usable(target, set) === 0n))
    return undefined;
  const slot = slotOf(requirement.depender);
  const depender = termOf(slot, requirement.dependers);
  if (set === undefined) return incompatibilityOf([depender], { kind: "unreadable", requirement });
  if (!target.exists) return incompatibilityOf([depender], { kind: "missing", requirement });
  if (set === 0n) return incompatibilityOf([depender], { kind: "unmatched", requirement, target });
  if (requirement.range !== undefined && !target.texts.has(set))
    target.texts.set(set, requirement.range);
  const cause = { kind: "requirement", requirement } as const;
  if (target !== requirement.depender)
    return incompatibilityOf([depender, termOf(slotOf(target), target.full & ~set)], cause);
  const wrong = requirement.dependers & ~set;
  return wrong === 0n ? undefined : incompatibilityOf([termOf(slot, wrong)], cause);
}
