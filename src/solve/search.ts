import { createCrowding, type Crowding } from "./crowding.ts";
import { holds, type Incompatibility, onlyOpenTerm, type Slot } from "./incompatibility.ts";
import { addIncompatibility, createKnowledge, type Knowledge } from "./knowledge.ts";
import { learnFrom } from "./learn.ts";
import type { Pack, Requirement } from "./pack.ts";
import { createPartial, type Partial, satisfierOf } from "./partial.ts";
import { propagate } from "./propagate.ts";
import type { Source } from "./source.ts";

/** One search: what to find, and what to leave out of account. */
export type SearchInput = {
  source: Source;
  root: Pack;
  requirements: readonly Requirement[];
  /** See `SolveInput`; for suggestions alone. */
  fresh: ReadonlySet<string>;
  /** What `requirements` stand in for; for suggestions alone. */
  replaced: readonly Requirement[];
  /** Optional requirements to leave out. */
  dropped: ReadonlySet<Requirement> | "all";
  /** Steps left, counted down; below zero the search gives up. Several searches may share one. */
  budget: { left: number };
};

/** How a search ended. */
export type SearchResult =
  | { kind: "solved"; chosen: ReadonlyMap<string, { pack: Pack; bit: number }> }
  | { kind: "unsolvable"; failure: Incompatibility }
  | { kind: "gave_up" };

/** Searches one version per package. The result depends on the data alone, never on when it arrived. */
export async function search(input: SearchInput): Promise<SearchResult> {
  const { source, root, budget } = input;
  const solution = createPartial();
  const state: State = {
    input,
    solution,
    knowledge: createKnowledge(input),
    crowding: createCrowding(solution),
  };
  source.foresee(input.requirements);
  await source.load(input.requirements.map(({ name }) => name));
  let changed: Slot | undefined = state.knowledge.slotOf(root);
  solution.decide(changed, 1);
  for (const requirement of input.requirements) state.knowledge.require(requirement);

  while (changed) {
    if (budget.left < 0) return { kind: "gave_up" };
    const conflict = propagate(changed, { solution, budget });
    if (conflict) {
      const learned = learn(conflict, state);
      if (!learned.slot) return { kind: "unsolvable", failure: learned.clause };
      changed = learned.slot;
      continue;
    }
    changed = solution.next();
    if (changed) await tryVersion(changed, state);
  }
  return { kind: "solved", chosen: state.knowledge.chosen() };
}

type State = {
  input: SearchInput;
  solution: Partial;
  knowledge: Knowledge;
  crowding: Crowding;
};

/** Decides a package for the version to prefer, unless that one cannot stand beside what is decided. */
async function tryVersion(
  slot: Slot,
  { input, solution, knowledge, crowding }: State,
): Promise<void> {
  const { source, budget } = input;
  const bit = source.prefer(slot.pack, slot.allowed);
  const wanted = source.requirements(slot.pack, bit);
  budget.left -= wanted.length;
  source.foresee(wanted);
  await source.load(wanted.map(({ name }) => name));
  let fits = true;
  let rival: Slot | undefined;
  for (const requirement of wanted) {
    const added = knowledge.require(requirement);
    if (!added?.terms.every((term) => term.slot === slot || holds(term))) continue;
    // Never decided: what was just learned rules it out.
    fits = false;
    const own = added.terms.find((term) => term.slot === slot);
    const other = added.terms.find((term) => term.slot !== slot);
    const culprit = other && solution.decisionAt(satisfierOf(other).level);
    if (!rival && own && crowding.isDue(own, culprit)) rival = culprit;
  }
  if (rival) crowding.swap(slot, rival);
  else if (fits) solution.decide(slot, bit);
}

/** Finds why a conflict had to come, forgets the decisions back to where that would have shown, and keeps it in mind. */
function learn(
  conflict: Incompatibility,
  { input, solution, crowding }: State,
): { clause: Incompatibility; slot: Slot | undefined } {
  const { clause, own, level, steps } = learnFrom(conflict, solution);
  input.budget.left -= steps;
  if (!own) return { clause, slot: undefined };
  for (const { slot } of clause.terms) solution.blame(slot, slot.conflicts + 1);
  solution.backtrack(level);
  const rival = solution.decisionAt(level);
  if (crowding.isDue(own, rival)) crowding.swap(own.slot, rival);
  if (clause !== conflict) addIncompatibility(clause);
  const open = onlyOpenTerm(clause);
  if (open !== "none" && open !== "several")
    solution.derive(open.slot, ~open.set & open.slot.pack.full, clause);
  return { clause, slot: own.slot };
}
