import { expect, test } from "bun:test";

import * as fc from "fast-check";
import semver from "semver";

import { parseVersion } from "#base/names.ts";
import type { Candidate, SolveInput, SolveResult } from "#solve/model.ts";
import { solve } from "#solve/solve.ts";

/** Small enough to try every combination, large enough for conflicts through three packages. */
const NAMES = ["a", "b", "c", "d", "e"];
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

type World = Omit<SolveInput, "versionsOf"> & { registry: Map<string, Candidate[]> };

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
  fc.uniqueArray(
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
  );

const worlds = (optional: boolean): fc.Arbitrary<World> =>
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

type Choice = ReadonlyMap<string, Candidate>;
type Edge = { name: string; range: string };

function edges(world: World, sections: readonly Readonly<Record<string, string>>[]): Edge[] {
  const entries = sections.flatMap((section) => Object.entries(section));
  return entries.map(([name, range]) => ({ name, range: world.root.overrides[name] ?? range }));
}

/** What is required and not at the same time optional. */
function hard({
  dependencies,
  optionalDependencies,
}: Pick<Candidate, "dependencies" | "optionalDependencies">) {
  const entries = Object.entries(dependencies);
  return Object.fromEntries(entries.filter(([name]) => !Object.hasOwn(optionalDependencies, name)));
}

function hardEdges(world: World, choice: Choice): Edge[] {
  const lists = [world.root, ...choice.values()].map((c) => edges(world, [hard(c)]));
  return [...edges(world, [world.root.devDependencies]), ...lists.flat()];
}

function optionalEdges(world: World, choice: Choice): Edge[] {
  const lists = [world.root, ...choice.values()].map((c) => edges(world, [c.optionalDependencies]));
  return lists.flat();
}

const holds = (choice: Choice, { name, range }: Edge): boolean => {
  const found = choice.get(name);
  return found !== undefined && fitsRange(found.version, range);
};

const known = new Map<string, boolean>();
function fitsRange(version: string, range: string): boolean {
  const key = `${version} ${range}`;
  const fits = known.get(key) ?? semver.satisfies(version, range);
  known.set(key, fits);
  return fits;
}

function isUsable(world: World, name: string, { version, yanked, engines }: Candidate): boolean {
  const fits = semver.satisfies("1.0.0", engines?.["land"] ?? "*");
  return fits && (!yanked || world.locked.get(name) === version);
}

/** Every combination of versions that breaks no rule, as an independent and slow program finds them. */
function* bruteForce(
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

function run(world: World, hops: (name: string) => number = () => 0): Promise<SolveResult> {
  const versionsOf: SolveInput["versionsOf"] = async (name) => {
    for (let hop = hops(name); hop > 0; hop--) await Promise.resolve();
    return world.registry.get(name);
  };
  return solve({ ...world, versionsOf });
}

function choiceOf(world: World, result: SolveResult): Choice | undefined {
  if (!result.ok) return undefined;
  const choice = new Map<string, Candidate>();
  for (const { name, version } of result.solution.packages) {
    const found = world.registry.get(name)?.find((candidate) => candidate.version === version);
    if (found) choice.set(name, found);
  }
  return choice;
}

test("finds a solution exactly where there is one, and only valid ones", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(true), async (world) => {
      const choice = choiceOf(world, await run(world));
      expect(choice !== undefined).toBe(!bruteForce(world).next().done);
      if (!choice) return;
      expect(hardEdges(world, choice).filter((edge) => !holds(choice, edge))).toEqual([]);
      for (const [name, candidate] of choice) expect(isUsable(world, name, candidate)).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test("the solution holds what the project reaches, and names it", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(true), async (world) => {
      const result = await run(world);
      const choice = choiceOf(world, result);
      if (!choice || !result.ok) return;
      const root = [...hardEdges(world, new Map()), ...optionalEdges(world, new Map())];
      const reached = new Set(root.filter((edge) => holds(choice, edge)).map(({ name }) => name));
      const listed = new Map(result.solution.packages.map((p) => [p.name, p.dependencies]));
      for (const name of reached) for (const next of listed.get(name) ?? []) reached.add(next);
      expect([...reached].toSorted()).toEqual([...listed.keys()]);
    }),
    { numRuns: 150 },
  );
});

test("where all optional dependencies can be held, all are", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(true), async (world) => {
      const usable = ({ name, range }: Edge): boolean =>
        (world.registry.get(name) ?? []).some(
          (candidate) => isUsable(world, name, candidate) && fitsRange(candidate.version, range),
        );
      const holdsAll = (choice: Choice): boolean =>
        optionalEdges(world, choice).every((edge) => holds(choice, edge) || !usable(edge));
      const possible = bruteForce(world).some(holdsAll);
      const choice = choiceOf(world, await run(world));
      if (possible) expect(choice && holdsAll(choice)).toBe(true);
    }),
    { numRuns: 150 },
  );
});

/** The same section with its keys the other way round. */
function flip(section: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(section).toReversed());
}

function shuffled(world: World): World {
  const root = { ...world.root, dependencies: flip(world.root.dependencies) };
  const registry = new Map<string, Candidate[]>();
  for (const [name, list] of world.registry)
    registry.set(
      name,
      list.toReversed().map((c) => Object.assign({}, c, { dependencies: flip(c.dependencies) })),
    );
  return { ...world, root, registry };
}

test("the result depends neither on when answers come nor on the order of keys and versions", async () => {
  const delays = fc.dictionary(fc.constantFrom(...NAMES), fc.integer({ min: 0, max: 20 }));
  await fc.assert(
    fc.asyncProperty(worlds(true), delays, async (world, hops) => {
      expect(await run(shuffled(world), (name) => hops[name] ?? 0)).toEqual(await run(world));
    }),
    { numRuns: 150 },
  );
});

/** The project after commands as a person would type them: an `add` takes the name out of the other sections. */
function follow(root: World["root"], commands: string): World["root"] {
  const sections = {
    "land add": { ...root.dependencies },
    "land add --dev": { ...root.devDependencies },
    "land add --optional": { ...root.optionalDependencies },
  };
  for (const part of commands.split(" && ")) {
    const [, verb = "", words = ""] = /^(land (?:add|remove)(?: --\w+)?) (.+)$/.exec(part) ?? [];
    for (const word of words.split(" ")) {
      const [name = "", range = ""] = word.split("@");
      for (const section of Object.values(sections)) delete section[name];
      for (const [command, section] of Object.entries(sections))
        if (command === verb) section[name] = range;
    }
  }
  return {
    ...root,
    dependencies: sections["land add"],
    devDependencies: sections["land add --dev"],
    optionalDependencies: sections["land add --optional"],
  };
}

test("every suggestion works when it is followed", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(true), async (world) => {
      const result = await run(world);
      for (const commands of result.ok ? [] : result.failure.suggestions) {
        const followed = await run({ ...world, root: follow(world.root, commands) });
        expect([commands, followed.ok]).toEqual([commands, true]);
      }
    }),
    { numRuns: 250 },
  );
});
