import { expect, test } from "bun:test";

import * as fc from "fast-check";
import semver from "semver";

import { parseVersion } from "#base/names.ts";
import type { Candidate } from "#solve/model.ts";

import { checkProof } from "./proof-check.ts";
import {
  bruteForce,
  type Choice,
  choiceOf,
  type Edge,
  fitsRange,
  hardEdges,
  holds,
  isUsable,
  NAMES,
  optionalEdges,
  run,
  type World,
  worlds,
} from "./worlds.ts";

test("finds a solution exactly where there is one, and only valid ones", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(true), async (world) => {
      const choice = choiceOf(world, await run(world));
      expect(choice !== undefined).toBe(!bruteForce(world).next().done);
      if (!choice) return;
      expect(hardEdges(world, choice).filter((edge) => !holds(choice, edge))).toEqual([]);
      for (const [name, candidate] of choice) expect(isUsable(world, name, candidate)).toBe(true);
    }),
    { numRuns: 200 },
  );
}, 60_000);

test("packages of many versions are solved as those of few", async () => {
  const yanked = { dependencies: {}, optionalDependencies: {}, yanked: true };
  const padding = Array.from({ length: 40 }, (_, at) => ({
    ...yanked,
    version: parseVersion(`0.0.${at}`),
  }));
  await fc.assert(
    fc.asyncProperty(worlds(true), async (world) => {
      const registry = new Map(
        [...world.registry].map(([name, list]) => [name, [...list, ...padding]]),
      );
      const [few, many] = [await run(world), await run({ ...world, registry })];
      expect(many.ok).toBe(few.ok);
      if (few.ok) expect(many).toEqual(few);
      else if (!many.ok) expect(checkProof({ ...world, registry }, many.failure.proof)).toEqual([]);
    }),
    { numRuns: 200 },
  );
}, 60_000);

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

/** Versions of a package as preferred: locked, then stable, then newest or oldest. */
function byPreference(world: World, name: string): (a: Candidate, b: Candidate) => number {
  const rank = ({ version }: Candidate): number =>
    world.locked.get(name) === version ? 0 : version.includes("-") ? 2 : 1;
  const sign = world.mode === "lowest" ? -1 : 1;
  return (a, b) => rank(a) - rank(b) || sign * semver.rcompare(a.version, b.version);
}

test("no package of a solution could have a better version while the others stay", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(false), async (world) => {
      const choice = choiceOf(world, await run(world));
      for (const [name, taken] of choice ?? []) {
        const prefer = byPreference(world, name);
        for (const other of world.registry.get(name) ?? []) {
          if (prefer(other, taken) >= 0 || !isUsable(world, name, other)) continue;
          const changed = new Map(choice).set(name, other);
          const fits = hardEdges(world, changed).every((edge) => holds(changed, edge));
          expect([name, other.version, fits]).toEqual([name, other.version, false]);
        }
      }
    }),
    { numRuns: 400 },
  );
});

test("oldest and newest versions are found in the same worlds", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(true), async (world) => {
      const [highest, lowest] = [
        await run({ ...world, mode: "highest" }),
        await run({ ...world, mode: "lowest" }),
      ];
      expect(highest.ok).toBe(lowest.ok);
    }),
    { numRuns: 200 },
  );
});
