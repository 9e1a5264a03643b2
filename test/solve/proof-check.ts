/**
 * Checks a proof of the solver step by step, knowing nothing of how it was found: sets of texts instead of bits.
 * Called by the tests beside it. It must never use anything of src/solve but types.
 */
import semver from "semver";

import type { ProofStep, ProofTerm, Reason } from "#solve/model.ts";

import { effectiveRange, type World } from "./worlds.ts";

const ABSENT = "-";
const PROJECT = "(project)";

/** What is wrong with a proof, one sentence each; empty when it proves that there is no solution. */
export function checkProof(world: World, proof: readonly ProofStep[]): string[] {
  const known = new Map<number, ProofStep>();
  const wrong: string[] = [];
  for (const step of proof) {
    const problem = problemOf(world, step, known);
    if (problem !== undefined) wrong.push(`step ${step.step}: ${problem}`);
    known.set(step.step, step);
  }
  const last = proof.at(-1);
  if (!last?.terms.every(({ project }) => project)) wrong.push("the last step is no contradiction");
  return wrong;
}

function problemOf(
  world: World,
  step: ProofStep,
  known: ReadonlyMap<number, ProofStep>,
): string | undefined {
  if (step.reason && step.because) return "is both fact and conclusion";
  if (step.reason)
    return isTrue(world, step.terms, step.reason) ? undefined : `"${step.says}" is not true`;
  const [first, second] = (step.because ?? []).map((number) => known.get(number));
  if (!first || !second) return "rests on nothing";
  return follows(world, [first, second], step) ? undefined : "does not follow";
}

const versionsOf = (world: World, name: string): string[] =>
  (world.registry.get(name) ?? []).map(({ version }) => String(version)).toSorted(semver.compare);

const keyOf = ({ package: name, project }: ProofTerm): string => (project ? PROJECT : name);

/** The states of a package in which a term holds. */
function statesOf(
  world: World,
  { package: name, project, installed, runs }: ProofTerm,
): Set<string> {
  if (project) return new Set([PROJECT]);
  const all = versionsOf(world, name);
  const meant = runs.flatMap(([from, to]) => all.slice(all.indexOf(from), all.indexOf(to) + 1));
  return new Set(
    installed ? meant : [ABSENT, ...all.filter((version) => !meant.includes(version))],
  );
}

/** The states of all packages that a step speaks of, by name. */
function table(world: World, { terms }: ProofStep): Map<string, Set<string>> {
  return new Map(terms.map((term) => [keyOf(term), statesOf(world, term)]));
}

/**
 * Whether whatever both premises forbid covers what the conclusion forbids: it must be forbidden, whatever the state of the
 * package that it no longer speaks of. A product of states is covered by two others when, in every name but one, it lies
 * in both, and in that one in their union.
 */
function follows(world: World, premises: readonly ProofStep[], conclusion: ProofStep): boolean {
  const [first, second] = premises.map((step) => table(world, step));
  if (!first || !second) return false;
  const concluded = table(world, conclusion);
  const everything = (name: string): Set<string> =>
    new Set(name === PROJECT ? [PROJECT] : [ABSENT, ...versionsOf(world, name)]);
  const at = (of: Map<string, Set<string>>, name: string): Set<string> =>
    of.get(name) ?? everything(name);
  const names = [...new Set([...first.keys(), ...second.keys(), ...concluded.keys()])];
  const open = names.filter((name) => {
    const own = at(concluded, name);
    return !own.isSubsetOf(at(first, name)) || !own.isSubsetOf(at(second, name));
  });
  const [pivot] = open;
  if (open.length > 1) return false;
  if (pivot === undefined) return true;
  return at(concluded, pivot).isSubsetOf(at(first, pivot).union(at(second, pivot)));
}

function isTrue(world: World, terms: readonly ProofTerm[], reason: Reason): boolean {
  if (!("on" in reason)) return isRestricted(world, terms, reason);
  const [depender, target] = terms;
  if (!depender || keyOf(depender) !== (depender.project ? PROJECT : reason.package)) return false;
  const dependers = [...statesOf(world, depender)];
  const all = versionsOf(world, reason.on);
  const asked = "range" in reason ? reason.range : "*";
  const within = all.filter((version) => semver.satisfies(version, asked));
  const asks = (state: string): boolean =>
    effectiveRange(world, depender.project ? undefined : { name: reason.package, version: state }, {
      name: reason.on,
      as: reason.as,
    }).some((range) => reason.kind === "missing" || range === asked);
  if (!dependers.every(asks)) return false;
  if (reason.kind === "missing") return !target && !world.registry.has(reason.on);
  if (reason.kind === "unreadable") return !target && semver.validRange(asked) === null;
  if (reason.kind === "unmatched") return !target && within.length === 0;
  if (!target)
    return reason.on === reason.package && dependers.every((state) => !within.includes(state));
  return keyOf(target) === reason.on && statesOf(world, target).isDisjointFrom(new Set(within));
}

function isRestricted(
  world: World,
  [term, ...others]: readonly ProofTerm[],
  reason: Exclude<Reason, { on: string }>,
): boolean {
  if (!term || others.length > 0 || !term.installed) return false;
  const candidates = world.registry.get(reason.package) ?? [];
  return [...statesOf(world, term)].every((state) => {
    const found = candidates.find(({ version }) => version === state);
    if (!found) return false;
    if (reason.kind === "engines")
      return !semver.satisfies(world.landVersion, found.engines?.["land"] ?? "*");
    if (world.locked.get(reason.package) === found.version) return false;
    return reason.kind === "yanked" ? found.yanked : found.tooNew === true;
  });
}
