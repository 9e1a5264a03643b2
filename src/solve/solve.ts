import { parseVersion } from "#base/names.ts";
import { byName } from "#base/order.ts";

import { derivationOrder, explain } from "./explain.ts";
import type { Incompatibility } from "./incompatibility.ts";
import type { Failure, Solution, SolvedPackage, SolveInput, SolveResult } from "./model.ts";
import { createOverrides, type Overrides } from "./overrides.ts";
import {
  createPack,
  entriesOf,
  holdsVersion,
  type Pack,
  type Requirement,
  without,
} from "./pack.ts";
import { proofOf } from "./proof.ts";
import { search, type SearchInput, type SearchResult } from "./search.ts";
import { createSource, type Source } from "./source.ts";
import { suggest } from "./suggest.ts";

const MAX_STEPS = 20_000_000;
/** Optional requirements left out one by one before all that a failure rests on are left out at once. */
const MAX_SINGLE_DROPS = 32;

/**
 * Finds one version for each package the project reaches, or tells why there is none.
 *
 * The newest stable version that fits is taken, locked versions first; pre-releases only where a range names one. An
 * optional requirement is held like any other while it can be; one that names nothing usable is left out from the start,
 * and when a failure rests on optional requirements, one of them is left out and the search begins anew. In the end each
 * that was left out has been tried with the others again, so none stays out without need. A search that runs out of
 * steps is done once more without any optional requirement.
 *
 * The same input gives the same result, in whatever order the registry answers.
 * What `versionsOf` throws comes out if that package is needed.
 */
export function solve(input: SolveInput): Promise<SolveResult> {
  return solveAlso(input, { suggestions: true });
}

/** What to solve beside the project, and how much to tell of a failure. */
export type Extra = {
  wanted?: Wanted;
  /** Whether to look for what would help. */
  suggestions: boolean;
};

/** A requirement as if the project had it; with `alone` in place of the project's own ones on that name. */
type Wanted = { name: string; range: string; alone: boolean };

/** `solve` with a requirement that no manifest has. */
export async function solveAlso(
  input: SolveInput,
  { wanted, suggestions }: Extra,
): Promise<SolveResult> {
  const overrides = createOverrides(input.root);
  const source = createSource(input, overrides);
  const root = rootPack(input);
  const { requirements, replaced } = rootRequirements(root, input, overrides, wanted);
  const about: SearchInput = {
    source,
    root,
    requirements,
    fresh: input.fresh ?? new Set(),
    replaced,
    dropped: new Set(),
    budget: { left: input.maxSteps ?? MAX_STEPS },
  };
  const help = suggestions ? (input.patience ?? forever) : undefined;
  try {
    const { result } = await searchWithOptional(about);
    if (result.kind === "solved")
      return { ok: true, solution: toSolution(source, requirements, result.chosen) };
    return { ok: false, failure: await toFailure(about, result, help) };
  } finally {
    source.close();
  }
}

function rootPack({ root }: SolveInput): Pack {
  const only = {
    version: parseVersion("0.0.0"),
    dependencies: {},
    optionalDependencies: {},
    yanked: false,
  };
  const pack = createPack(root.name ?? "", [only], { locked: undefined, landVersion: undefined });
  return { ...pack, isRoot: true };
}

function rootRequirements(
  depender: Pack,
  { root }: SolveInput,
  overrides: Overrides,
  wanted: Wanted | undefined,
): Pick<SearchInput, "requirements" | "replaced"> {
  const entries = entriesOf(
    [
      ["runtime", without(root.dependencies, root.optionalDependencies)],
      ["development", root.devDependencies],
      ["optional", root.optionalDependencies],
    ],
    overrides.own,
  );
  const own = entries.map((entry): Requirement =>
    Object.assign(entry, { depender, dependers: 2n }),
  );
  if (!wanted) return { requirements: own, replaced: [] };
  const { name, range, alone } = wanted;
  const replaced = alone ? own.filter((requirement) => requirement.name === name) : [];
  const kept = own.filter((requirement) => !replaced.includes(requirement));
  const asked = {
    name,
    range,
    kind: "wanted",
    override: undefined,
    depender,
    dependers: 2n,
  } as const;
  return { requirements: [...kept, asked], replaced };
}

type Attempt = { result: SearchResult; dropped: SearchInput["dropped"] };

async function searchWithOptional(about: SearchInput): Promise<Attempt> {
  const steps = about.budget.left;
  const dropped = new Set<Requirement>();
  let result = await search({ ...about, dropped });
  let drops = 0;
  while (result.kind === "unsolvable") {
    const optional = optionalIn(result.failure);
    if (optional.length === 0) return { result, dropped };
    for (const requirement of ++drops > MAX_SINGLE_DROPS ? optional : optional.slice(0, 1))
      dropped.add(requirement);
    result = await search({ ...about, dropped });
  }
  // Too hard with optional requirements: they must not be what fails, so the steps begin anew without any.
  if (result.kind === "gave_up") {
    const again = { ...about, dropped: "all", budget: { left: steps } } as const;
    return { result: await search(again), dropped: "all" };
  }
  if (dropped.size < 2) return { result, dropped };
  for (const requirement of [...dropped].slice(0, -1)) {
    const fewer = new Set(dropped);
    fewer.delete(requirement);
    const again = await search({ ...about, dropped: fewer });
    if (again.kind !== "solved") continue;
    dropped.delete(requirement);
    result = again;
  }
  return { result, dropped };
}

/** The optional requirements a failure rests on, the first to leave out first: of packages before the project's own, newest versions first. */
function optionalIn(failure: Incompatibility): Requirement[] {
  const optional: Requirement[] = [];
  for (const { cause } of derivationOrder(failure))
    if (cause.kind === "requirement" && cause.requirement.kind === "optional")
      optional.push(cause.requirement);
  return optional.toSorted(byExpendability);
}

function byExpendability(a: Requirement, b: Requirement): number {
  if (a.depender.isRoot !== b.depender.isRoot) return a.depender.isRoot ? 1 : -1;
  if (a.depender !== b.depender) return byName(b.depender, a.depender);
  return a.dependers === b.dependers ? byName(b, a) : a.dependers < b.dependers ? 1 : -1;
}

type Chosen = Extract<SearchResult, { kind: "solved" }>["chosen"];

/** What the project reaches among the chosen versions. */
function toSolution(
  source: Source,
  requirements: readonly Requirement[],
  chosen: Chosen,
): Solution {
  const packages = new Map<string, SolvedPackage>();
  const fits = ({ name, range }: Requirement): boolean => {
    const target = chosen.get(name);
    return target !== undefined && holdsVersion(target, range);
  };
  const namesOf = (wanted: readonly Requirement[]): string[] => [
    ...new Set(wanted.filter(fits).map(({ name }) => name)),
  ];
  const open = namesOf(requirements);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const found = packages.has(name) ? undefined : chosen.get(name);
    const version = found?.pack.candidates[found.bit - 1]?.version;
    if (!found || version === undefined) continue;
    const dependencies = namesOf(source.requirements(found.pack, found.bit)).toSorted();
    packages.set(name, { name, version, dependencies });
    open.push(...dependencies);
  }
  return { packages: [...packages.values()].toSorted(byName) };
}

async function toFailure(
  about: SearchInput,
  result: Exclude<SearchResult, { kind: "solved" }>,
  help: (() => Promise<unknown>) | undefined,
): Promise<Failure> {
  const { kind } = result;
  if (kind === "gave_up") {
    const explanation =
      "The search was stopped because it found no answer in the steps allowed; narrower ranges or a lock file make it shorter";
    return { kind, explanation, suggestions: [], proof: [] };
  }
  const { failure } = result;
  const [proof, explanation] = [proofOf(failure), explain(failure)];
  const suggestions = help ? await suggest(about, failure, help()) : [];
  return { kind, explanation, suggestions, proof };
}

function forever(): Promise<unknown> {
  return new Promise(() => undefined);
}
