import type { Version } from "#base/names.ts";
import { byText } from "#base/order.ts";
import { isRange, parseRange, satisfies } from "#base/ranges.ts";

import type { Failure, RootManifest, Solution, SolveInput } from "./model.ts";
import { without } from "./pack.ts";
import { solveAlso } from "./solve.ts";

/** A package whose version would be another: without `from` it comes, without `to` it goes. */
export type WhyNotChange = { name: string; from?: string; to?: string };

/** Whether a version could be had, and what that takes, or why it cannot. */
export type WhyNot =
  | {
      possible: true;
      /** Against what is installed now, sorted by name. */
      changes: WhyNotChange[];
      /** What the project asks and would have to ask in another way, such as `left ^1.0.0 (devDependencies)`. */
      needs: string[];
    }
  | { possible: false; failure: Failure };

type Wanted = { name: string; range: string };

/**
 * What stands in the way of a version. It is asked for beside everything the project asks; if that cannot be, in place of
 * what the project itself says of that package: its override where it has one, else its requirements. Where that cannot be
 * either, the failure tells what else there is.
 *
 * Nothing but what has to change does: the versions of today are preferred, as if they were locked.
 * What `versionsOf` throws comes out if that package is needed.
 */
export async function whyNot(input: SolveInput, wanted: Wanted): Promise<WhyNot> {
  const question = { ...input, versionsOf: rememberAnswers(input.versionsOf) };
  const today = await solveAlso(question, { suggestions: false });
  const current = today.ok ? versionsIn(today.solution) : input.locked;
  const locked = new Map([...input.locked, ...current]);
  const rewritten = rewriteOwn(input.root, wanted);
  const first = await solveAlso(
    { ...question, locked },
    { wanted: { ...wanted, alone: false }, suggestions: rewritten === undefined },
  );
  const needs = ownRanges(input.root, wanted.name);
  if (first.ok) {
    const next = versionsIn(first.solution);
    // An optional requirement may have been left out for it, and would have to be rewritten then.
    if (needs.every(({ range }) => isWithin(next.get(wanted.name), range)))
      return { possible: true, changes: changesOf(current, next), needs: [] };
  }
  if (!rewritten && !first.ok) return { possible: false, failure: first.failure };
  const second = await solveAlso(
    { ...question, locked, root: rewritten ?? input.root },
    { wanted: { ...wanted, alone: true }, suggestions: true },
  );
  if (!second.ok) return { possible: false, failure: second.failure };
  const next = versionsIn(second.solution);
  const broken = needs.filter(({ range }) => !isWithin(next.get(wanted.name), range));
  return {
    possible: true,
    changes: changesOf(current, next),
    needs: broken.map(({ range, section }) => `${wanted.name} ${range} (${section})`),
  };
}

type OwnRange = { range: string; section: string };

/** What the project itself says of a package: its override, which leaves its requirements without effect, or those. */
function ownRanges(root: RootManifest, name: string): OwnRange[] {
  if (Object.hasOwn(root.overrides, name))
    return [{ range: root.overrides[name] ?? "", section: "overrides" }];
  const { dependencies, devDependencies, optionalDependencies } = root;
  const sections = Object.entries({
    dependencies: without(dependencies, optionalDependencies),
    devDependencies,
    optionalDependencies,
  });
  return sections.flatMap(([section, ranges]) =>
    Object.hasOwn(ranges, name) ? [{ range: ranges[name] ?? "", section }] : [],
  );
}

/** The project with what it says of the package rewritten, as far as it is not left out anyway; undefined: it says nothing. */
function rewriteOwn(root: RootManifest, { name, range }: Wanted): RootManifest | undefined {
  if (ownRanges(root, name).length === 0) return undefined;
  if (!Object.hasOwn(root.overrides, name)) return root;
  return { ...root, overrides: { ...root.overrides, [name]: range } };
}

function isWithin(version: Version | undefined, range: string): boolean {
  return version !== undefined && isRange(range) && satisfies(version, parseRange(range));
}

function versionsIn({ packages }: Solution): ReadonlyMap<string, Version> {
  return new Map(packages.map(({ name, version }) => [name, version]));
}

function changesOf(
  before: ReadonlyMap<string, Version>,
  after: ReadonlyMap<string, Version>,
): WhyNotChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted(byText);
  return names.flatMap((name) => {
    const [from, to] = [before.get(name), after.get(name)];
    if (from === to) return [];
    return [{ name, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
  });
}

/** Each package is asked for once, however many solves there are. */
function rememberAnswers(versionsOf: SolveInput["versionsOf"]): SolveInput["versionsOf"] {
  const answers = new Map<string, ReturnType<SolveInput["versionsOf"]>>();
  return (name) => {
    const known = answers.get(name) ?? versionsOf(name);
    answers.set(name, known);
    return known;
  };
}
