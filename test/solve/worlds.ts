/**
 * Random small worlds, and what a solution is in them, as an independent and slow program sees it.
 * Called by the tests beside it. It must never use anything of src/solve but `solve` and types.
 */
import * as fc from "fast-check";
import semver from "semver";

import { parseVersion } from "#base/names.ts";
import type { Candidate, ScopedOverride, SolveInput, SolveResult } from "#solve/model.ts";
import { solve } from "#solve/solve.ts";

/** Small enough to try every combination, large enough for conflicts through three packages. */
export const NAMES = ["a", "b", "c", "d", "e"];
const VERSIONS = ["1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0", "3.0.0"];
const RANGES = [
  "*",
  "*",
  "^1.0.0",
  "^2.0.0",
  "1.0.0",
  ">=1.1.0",
  ">=1.1.0",
  "<2.0.0",
  "<3.0.0",
  "^2.0.0-rc.1",
  "~1.1",
  "3.x || 1.0.0",
];
/** Once in a while: a range no version is in, and a name no package has. */
const rare = (usual: fc.Arbitrary<string>, odd: string): fc.Arbitrary<string> =>
  fc.oneof({ arbitrary: usual, weight: 120 }, { arbitrary: fc.constant(odd), weight: 1 });

/** A registry, a project and all else a solve depends on. */
export type World = Omit<SolveInput, "versionsOf" | "landVersion"> & {
  registry: ReadonlyMap<string, readonly Candidate[]>;
  landVersion: string;
};

const ranges = (max: number, min = 0): fc.Arbitrary<Record<string, string>> =>
  fc
    .uniqueArray(
      fc.tuple(rare(fc.constantFrom(...NAMES), "none"), rare(fc.constantFrom(...RANGES), ">9")),
      {
        minLength: min,
        maxLength: max,
        selector: ([name]) => name,
      },
    )
    .map((entries) => Object.fromEntries(entries));

const candidates = (optional: boolean): fc.Arbitrary<Candidate[]> =>
  fc
    .uniqueArray(
      fc.record({
        version: fc.constantFrom(...VERSIONS).map(parseVersion),
        dependencies: ranges(3),
        optionalDependencies: optional ? ranges(1) : fc.constant({}),
        yanked: fc.integer({ min: 0, max: 12 }).map((dice) => dice === 0),
        engines: fc.oneof(
          { arbitrary: fc.constantFrom({}, { land: ">=1.0.0" }), weight: 10 },
          { arbitrary: fc.constant({ land: ">=2.0.0" }), weight: 1 },
        ),
      }),
      { minLength: 3, maxLength: 4, selector: ({ version }) => version },
    )
    .chain((list) =>
      fc
        .array(fc.integer({ min: 0, max: 12 }), { minLength: list.length, maxLength: list.length })
        .map((dice) =>
          list.map((one, at): Candidate => (dice[at] === 0 ? { ...one, tooNew: true } : one)),
        ),
    );

const scoped: fc.Arbitrary<ScopedOverride> = fc
  .record({
    parent: fc.constantFrom(...NAMES),
    parentRange: fc.option(fc.constantFrom("*", "^1.0.0", "1.1.0", ">=1.1.0"), { nil: undefined }),
    name: fc.constantFrom(...NAMES),
    range: fc.constantFrom(...RANGES),
  })
  .map(({ parentRange, ...rest }) =>
    Object.assign(rest, parentRange === undefined ? {} : { parentRange }),
  );

/** Worlds with or without optional dependencies. */
export const worlds = (optional: boolean): fc.Arbitrary<World> =>
  fc.record({
    registry: fc
      .tuple(...NAMES.map(() => candidates(optional)))
      .map((lists) => new Map(NAMES.map((name, at) => [name, lists[at] ?? []]))),
    root: fc.record({
      dependencies: ranges(3, 1),
      devDependencies: ranges(1),
      optionalDependencies: optional ? ranges(2) : fc.constant({}),
      overrides: fc.oneof(
        { arbitrary: fc.constant({}), weight: 4 },
        { arbitrary: ranges(1), weight: 1 },
      ),
      scopedOverrides: fc.oneof(
        { arbitrary: fc.constant([]), weight: 3 },
        { arbitrary: fc.array(scoped, { maxLength: 4 }), weight: 1 },
      ),
    }),
    locked: ranges(3).map(
      (names) =>
        new Map(
          Object.keys(names).map((name, at) => [name, parseVersion(VERSIONS[at] ?? "1.0.0")]),
        ),
    ),
    mode: fc.constantFrom<"highest" | "lowest">("highest", "lowest"),
    landVersion: fc.constant("1.0.0"),
  });

/** Name → the version of it that is installed. */
export type Choice = ReadonlyMap<string, Candidate>;
/** A requirement as it counts after overrides. */
export type Edge = { name: string; range: string };
type Asker = { name: string; version: string } | undefined;
type Section = "runtime" | "development" | "optional";

/** The range that counts for a requirement: the project's scoped override, else its override, else what is written. */
function overridden({ root }: World, asker: Asker, name: string, written: string): string {
  const rules = (root.scopedOverrides ?? []).filter(
    (rule) =>
      asker !== undefined &&
      rule.parent === asker.name &&
      rule.name === name &&
      (rule.parentRange === undefined || fitsRange(asker.version, rule.parentRange)),
  );
  if (rules.length === 0)
    return (Object.hasOwn(root.overrides, name) ? root.overrides[name] : undefined) ?? written;
  // Told apart over more versions than any package here has; a rule without a range is wider than all others.
  const meant = ({ parentRange }: ScopedOverride): Set<string> =>
    new Set(
      [...VERSIONS, "1.0.5", "1.5.0", "7.0.0", "none"].filter(
        (version) =>
          parentRange === undefined || (version !== "none" && fitsRange(version, parentRange)),
      ),
    );
  const isNarrower = (a: ScopedOverride, b: ScopedOverride): boolean =>
    meant(a).size < meant(b).size && meant(a).isSubsetOf(meant(b));
  const found = rules.find((rule) => !rules.some((other) => isNarrower(other, rule)));
  return (
    found?.range ??
    (Object.hasOwn(root.overrides, name) ? root.overrides[name] : undefined) ??
    written
  );
}

function edges(
  world: World,
  asker: Asker,
  sections: readonly Readonly<Record<string, string>>[],
): Edge[] {
  const entries = sections.flatMap((section) => Object.entries(section));
  return entries.map(([name, range]) => ({ name, range: overridden(world, asker, name, range) }));
}

/** What is required and not at the same time optional. */
function hard({
  dependencies,
  optionalDependencies,
}: Pick<Candidate, "dependencies" | "optionalDependencies">): Record<string, string> {
  const entries = Object.entries(dependencies);
  return Object.fromEntries(entries.filter(([name]) => !Object.hasOwn(optionalDependencies, name)));
}

function askers(
  { root }: World,
  choice: Choice,
): [Asker, Pick<Candidate, "dependencies" | "optionalDependencies">][] {
  return [
    [undefined, root],
    ...[...choice].map(([name, candidate]): [Asker, Candidate] => [
      { name, version: candidate.version },
      candidate,
    ]),
  ];
}

/** All that has to hold for a choice. */
export function hardEdges(world: World, choice: Choice): Edge[] {
  const lists = askers(world, choice).map(([asker, one]) => edges(world, asker, [hard(one)]));
  return [...edges(world, undefined, [world.root.devDependencies]), ...lists.flat()];
}

/** All that may hold for a choice. */
export function optionalEdges(world: World, choice: Choice): Edge[] {
  return askers(world, choice).flatMap(([asker, one]) =>
    edges(world, asker, [one.optionalDependencies]),
  );
}

/** In which ranges the project or a version asks for a package, of one section. */
export function effectiveRange(
  world: World,
  asker: Asker,
  { name, as }: { name: string; as: string | undefined },
): string[] {
  const { root, registry } = world;
  const one = asker
    ? registry.get(asker.name)?.find(({ version }) => version === asker.version)
    : root;
  if (!one) return [];
  const sections: Record<Section, Readonly<Record<string, string>>> = {
    runtime: hard(one),
    development: asker ? {} : root.devDependencies,
    optional: one.optionalDependencies,
  };
  const section = Object.entries(sections).find(([key]) => key === (as ?? "runtime"))?.[1] ?? {};
  return edges(world, asker, [section]).flatMap((edge) => (edge.name === name ? edge.range : []));
}

/** Whether a choice fulfils a requirement. */
export const holds = (choice: Choice, { name, range }: Edge): boolean => {
  const found = choice.get(name);
  return found !== undefined && fitsRange(found.version, range);
};

const known = new Map<string, boolean>();
/** As node-semver has it. */
export function fitsRange(version: string, range: string): boolean {
  const key = `${version} ${range}`;
  const fits = known.get(key) ?? semver.satisfies(version, range);
  known.set(key, fits);
  return fits;
}

/** Whether a version may be picked at all. */
export function isUsable(
  world: World,
  name: string,
  { version, yanked, tooNew, engines }: Candidate,
): boolean {
  const fits = semver.satisfies("1.0.0", engines?.["land"] ?? "*");
  return fits && ((!yanked && !tooNew) || world.locked.get(name) === version);
}

/** Every combination of versions that breaks no rule, as an independent and slow program finds them. */
export function* bruteForce(
  world: World,
  at = 0,
  choice: Map<string, Candidate> = new Map(),
): Generator<Choice> {
  const name = NAMES[at];
  if (name === undefined) {
    if (hardEdges(world, choice).every((edge) => holds(choice, edge))) yield choice;
    return;
  }
  yield* bruteForce(world, at + 1, choice);
  for (const candidate of world.registry.get(name) ?? []) {
    if (!isUsable(world, name, candidate)) continue;
    choice.set(name, candidate);
    yield* bruteForce(world, at + 1, choice);
    choice.delete(name);
  }
}

/** Solves a world; `hops` says how late each answer of the registry is. */
export function run(world: World, hops: (name: string) => number = () => 0): Promise<SolveResult> {
  const versionsOf: SolveInput["versionsOf"] = async (name) => {
    for (let hop = hops(name); hop > 0; hop--) await Promise.resolve();
    return world.registry.get(name);
  };
  return solve({ ...world, versionsOf });
}

/** The solution as a choice. */
export function choiceOf(world: World, result: SolveResult): Choice | undefined {
  if (!result.ok) return undefined;
  const choice = new Map<string, Candidate>();
  for (const { name, version } of result.solution.packages) {
    const found = world.registry.get(name)?.find((candidate) => candidate.version === version);
    if (found) choice.set(name, found);
  }
  return choice;
}
