import {
  type Incompatibility,
  isFailure,
  resolve,
  type Slot,
  type Term,
} from "./incompatibility.ts";
import { type Pack, type Requirement, usable, versionsIn } from "./pack.ts";
import { createPartial, type Partial } from "./partial.ts";
import { ABSENT, countOf, highestOf } from "./sets.ts";
import type { Source } from "./source.ts";

/** So many versions of a package that one decision rules out make it worth deciding that package first. */
const MANY_RULED_OUT = 5;
/** So often the order changes in one search; past that the search is hard, and conflicts alone are the better guide. */
const MAX_SWAPS = 32;

/** One search: what to find, and what to leave out of account. */
export type SearchInput = {
  source: Source;
  root: Pack;
  requirements: readonly Requirement[];
  /** See `SolveInput`; for suggestions alone. */
  fresh: ReadonlySet<string>;
  /** Optional requirements to leave out. */
  dropped: ReadonlySet<Requirement> | "all";
  /** Steps left, counted down; below zero the search gives up. Several searches may share one. */
  budget: { left: number };
};

/** How a search ended. */
export type SearchResult =
  | { kind: "solved"; chosen: ReadonlyMap<string, { pack: Pack; bit: number }> }
  | { kind: "unsolvable"; failure: Incompatibility }
  | { kind: "gave_up"; failure: Incompatibility };

/** Searches one version per package. The result depends on the data alone, never on when it arrived. */
export async function search(input: SearchInput): Promise<SearchResult> {
  const { source, root } = input;
  const swaps = { left: MAX_SWAPS };
  const solution = createPartial();
  const knowledge = createKnowledge(input);
  const rootSlot = knowledge.slotOf(root);
  source.foresee(input.requirements);
  await source.load(input.requirements.map(({ name }) => name));
  solution.decide(rootSlot, 1);
  for (const requirement of input.requirements) knowledge.require(requirement);

  let changed: Slot | undefined = rootSlot;
  while (changed) {
    const conflict = propagate(changed, solution, input.budget);
    if (conflict) {
      const learned = learn(conflict, solution, swaps, input.budget);
      if (learned.kind === "failure") return { kind: "unsolvable", failure: learned.clause };
      if (input.budget.left < 0) return { kind: "gave_up", failure: learned.clause };
      if (learned.clause !== conflict) add(learned.clause);
      changed = learned.slot;
      continue;
    }
    input.budget.left -= solution.pending.size >> 1;
    const slot: Slot | undefined = next(solution.pending);
    changed = slot;
    if (!slot) break;
    const bit = source.prefer(slot.pack, slot.allowed);
    const wanted = source.requirements(slot.pack, bit);
    source.foresee(wanted);
    await source.load(wanted.map(({ name }) => name));
    // A version that cannot stand beside what is decided is never decided: what was just learned rules it out.
    let fits = true;
    let rival: Slot | undefined;
    for (const requirement of wanted) {
      const added = knowledge.require(requirement);
      if (!added?.terms.every((term) => term.slot === slot || holds(term))) continue;
      fits = false;
      const own = added.terms.find((term) => term.slot === slot);
      const other = added.terms.find((term) => term.slot !== slot);
      const culprit = other && solution.decisionAt(solution.heldSince(other));
      if (!rival && own && isCrowdedOut(own, culprit)) rival = culprit;
    }
    if (rival && swaps.left > 0) goBefore(rival, slot, solution, swaps);
    else if (fits) solution.decide(slot, bit);
  }
  return { kind: "solved", chosen: knowledge.chosen() };
}

type Knowledge = {
  slotOf: (pack: Pack) => Slot;
  /** Adds what a requirement says, once. Undefined when there is nothing new to add. */
  require: (requirement: Requirement) => Incompatibility | undefined;
  chosen: () => ReadonlyMap<string, { pack: Pack; bit: number }>;
};

function createKnowledge({ source, dropped, requirements }: SearchInput): Knowledge {
  const direct = new Set(requirements.map(({ name }) => name));
  const slots = new Map<Pack, Slot>();
  const known = new Set<Requirement>();

  const slotOf = (pack: Pack): Slot => {
    const existing = slots.get(pack);
    if (existing) return existing;
    const slot: Slot = {
      pack,
      seen: slots.size,
      allowed: pack.full,
      decided: false,
      history: [],
      incompatibilities: [],
      conflicts: 0,
      ruledOut: new Map(),
      direct: direct.has(pack.name),
      count: 0,
    };
    slots.set(pack, slot);
    for (const restriction of pack.restrictions)
      add({
        terms: [{ slot, set: restriction.set }],
        cause: { kind: "restriction", pack, restriction },
      });
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
      return stated && add(stated);
    },
    chosen() {
      const chosen = new Map<string, { pack: Pack; bit: number }>();
      for (const { pack, decided, allowed } of slots.values())
        if (decided && !pack.isRoot) chosen.set(pack.name, { pack, bit: highestOf(allowed) });
      return chosen;
    },
  };
}

/**
 * Whether the decision of another package has ruled out so many versions of one that was needed before it that the order of
 * the two should change, once. What is left of the one would be so old that it asks for nothing that could be in the way.
 * A locked version is kept whatever it rules out.
 */
function isCrowdedOut({ slot, set }: Term, rival: Slot | undefined): boolean {
  if (!rival?.decided || rival.pack.isRoot || (rival.allowed & rival.pack.locked) !== 0n)
    return false;
  const before = slot.ruledOut.get(rival) ?? 0;
  const count = before + countOf(set & slot.allowed & ~ABSENT);
  slot.ruledOut.set(rival, count);
  if (before >= MANY_RULED_OUT || count < MANY_RULED_OUT) return false;
  const needed = slot.history.find(({ allowed }) => (allowed & ABSENT) === 0n);
  return needed !== undefined && needed.level < levelOf(rival);
}

/** Forgets the rival's decision and all after it, and has the other package decided first. */
function goBefore(rival: Slot, slot: Slot, solution: Partial, swaps: { left: number }): void {
  swaps.left--;
  solution.backtrack(levelOf(rival) - 1);
  slot.conflicts = Math.min(Math.max(slot.conflicts, rival.conflicts * 2, MANY_RULED_OUT), 2 ** 30);
}

/** The level of a decided package. */
function levelOf({ history }: Slot): number {
  return history.at(-1)?.level ?? 0;
}

function isDropped(requirement: Requirement, dropped: SearchInput["dropped"]): boolean {
  return dropped === "all" ? requirement.kind === "optional" : dropped.has(requirement);
}

function add(incompatibility: Incompatibility): Incompatibility {
  for (const { slot } of incompatibility.terms) slot.incompatibilities.push(incompatibility);
  return incompatibility;
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
  const depender = { slot: slotOf(requirement.depender), set: requirement.dependers };
  if (set === undefined) return { terms: [depender], cause: { kind: "unreadable", requirement } };
  if (!target.exists) return { terms: [depender], cause: { kind: "missing", requirement } };
  if (set === 0n) return { terms: [depender], cause: { kind: "unmatched", requirement, target } };
  if (requirement.range !== undefined && !target.texts.has(set))
    target.texts.set(set, requirement.range);
  const cause = { kind: "requirement", requirement } as const;
  if (target !== requirement.depender)
    return { terms: [depender, { slot: slotOf(target), set: target.full & ~set }], cause };
  const wrong = requirement.dependers & ~set;
  return wrong === 0n ? undefined : { terms: [{ slot: depender.slot, set: wrong }], cause };
}

function holds({ slot, set }: Term): boolean {
  return (slot.allowed & set) === slot.allowed;
}

/** Draws every conclusion that follows from a change. Returns an incompatibility whose terms all hold, if one does. */
function propagate(
  start: Slot,
  solution: Partial,
  budget: { left: number },
): Incompatibility | undefined {
  const changed = new Set([start]);
  for (const slot of changed) {
    changed.delete(slot);
    budget.left -= slot.incompatibilities.length;
    // Newest first: what was learned last says most.
    for (let at = slot.incompatibilities.length - 1; at >= 0; at--) {
      const incompatibility = slot.incompatibilities[at];
      if (!incompatibility) continue;
      const open = onlyOpenTerm(incompatibility);
      if (open === "none") return incompatibility;
      if (open === "several") continue;
      solution.derive(open.slot, ~open.set & open.slot.pack.full, incompatibility);
      changed.add(open.slot);
    }
  }
  return undefined;
}

/** The one term that does not hold yet and still could; "several" also where one is contradicted. */
function onlyOpenTerm({ terms }: Incompatibility): Term | "none" | "several" {
  let open: Term | undefined;
  for (const term of terms) {
    const { allowed } = term.slot;
    const common = allowed & term.set;
    if (common === allowed) continue;
    if (open || common === 0n) return "several";
    open = term;
  }
  return open ?? "none";
}

type Learned =
  | { kind: "failure"; clause: Incompatibility }
  | { kind: "clause"; clause: Incompatibility; slot: Slot };

/** Finds why a conflict had to come, forgets the decisions back to where that would have shown, and returns it. */
function learn(
  conflict: Incompatibility,
  solution: Partial,
  swaps: { left: number },
  budget: { left: number },
): Learned {
  let clause = conflict;
  while (!isFailure(clause)) {
    const { satisfier, previousLevel } = solution.satisfierOf(clause);
    if (satisfier.cause === undefined || previousLevel < satisfier.level) {
      for (const { slot } of clause.terms) slot.conflicts++;
      solution.backtrack(previousLevel);
      const own = clause.terms.find(({ slot }) => slot === satisfier.slot);
      const rival = solution.decisionAt(previousLevel);
      if (own && rival && swaps.left > 0 && isCrowdedOut(own, rival))
        goBefore(rival, own.slot, solution, swaps);
      return { kind: "clause", clause, slot: satisfier.slot };
    }
    clause = resolve(clause, satisfier.cause, satisfier.slot);
    budget.left -= clause.terms.length;
  }
  return { kind: "failure", clause };
}

/**
 * The package to decide next: most often in dead ends, then what the project itself asks for, so that it and not what lies
 * below it gets the newest version, then with the fewest versions left, then met first.
 */
function next(pending: ReadonlySet<Slot>): Slot | undefined {
  let best: Slot | undefined;
  for (const slot of pending) {
    slot.count ||= countOf(slot.allowed & ~ABSENT);
    if (!best || isBefore(slot, best)) best = slot;
  }
  return best;
}

/** Few conflicts say little: the classes are 0 to 3, 4 to 7, 8 to 15 … */
function classOf(conflicts: number): number {
  return conflicts < 4 ? 0 : 30 - Math.clz32(conflicts);
}

function isBefore(a: Slot, b: Slot): boolean {
  const byConflicts = classOf(b.conflicts) - classOf(a.conflicts);
  if (byConflicts !== 0) return byConflicts < 0;
  if (a.direct !== b.direct) return a.direct;
  return a.count !== b.count ? a.count < b.count : a.seen < b.seen;
}
