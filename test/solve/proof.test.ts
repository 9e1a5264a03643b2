import { expect, test } from "bun:test";

import * as fc from "fast-check";

import type { Failure, ProofStep } from "#solve/model.ts";
import { solve } from "#solve/solve.ts";

import { checkProof } from "./proof-check.ts";
import { inputOf, type Listing } from "./registry.ts";
import { run, type World, worlds } from "./worlds.ts";

async function failureOf(world: World): Promise<Failure | undefined> {
  const result = await run(world);
  return result.ok ? undefined : result.failure;
}

test("each step of a proof is true of the registry or follows from earlier steps", async () => {
  let failures = 0;
  await fc.assert(
    fc.asyncProperty(worlds(true), async (world) => {
      const failure = await failureOf(world);
      if (!failure) return;
      failures++;
      expect(checkProof(world, failure.proof)).toEqual([]);
    }),
    { numRuns: 600 },
  );
  expect(failures).toBeGreaterThan(30);
});

const listing: Listing = {
  foo: { "1.0.0": { bar: "^1.0.0" }, "2.0.0": { bar: "^1.0.0" } },
  bar: { "1.0.0": {}, "2.0.0": {} },
};

test("the checker finds steps that are wrong", async () => {
  const input = inputOf(listing, { dependencies: { foo: "*", bar: "^2.0.0" } });
  const result = await solve(input);
  const proof = result.ok ? [] : result.failure.proof;
  const registry = new Map();
  for (const name of Object.keys(listing)) registry.set(name, await input.versionsOf(name));
  const world: World = { ...input, registry, mode: "highest", landVersion: "1.0.0" };
  expect(checkProof(world, proof)).toEqual([]);
  const wrong = (change: (step: ProofStep) => void, at: number): string[] => {
    const copy = structuredClone(proof);
    const step = copy.at(at);
    if (step) change(step);
    return checkProof(world, copy);
  };
  expect(wrong((step) => void step.terms.pop(), 0)).not.toEqual([]);
  expect(wrong((step) => delete step.because, -1)).not.toEqual([]);
  const derived = proof.findIndex(({ because }) => because !== undefined);
  const negated = wrong((step) => {
    for (const term of step.terms) term.installed = !term.installed;
  }, derived);
  expect(negated).not.toEqual([]);
  expect(checkProof(world, proof.slice(0, -1))).not.toEqual([]);
});
