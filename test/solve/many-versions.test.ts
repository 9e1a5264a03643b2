import { expect, test } from "bun:test";

import { solve } from "#solve/solve.ts";

import { inputOf } from "./registry.ts";

test("thousands of versions that all fail, each for a reason of its own, are told in seconds", async () => {
  const many = 10_000;
  const versions = Array.from({ length: many }, (_, at): [string, Record<string, string>] => [
    `1.${at}.0`,
    { [`gone${at}`]: "*" },
  ]);
  const listing = { bomb: Object.fromEntries(versions) };
  const began = performance.now();
  const result = await solve(inputOf(listing, { dependencies: { bomb: "*" } }));
  expect(performance.now() - began).toBeLessThan(10_000);
  if (result.ok) throw new Error("it was solved");
  const { proof, explanation } = result.failure;
  expect(proof).toHaveLength(2 * many + 1);
  expect(proof.at(-1)?.says).toBe("no versions fit together");
  expect(explanation.split("\n").slice(0, 2)).toEqual([
    "Because bomb 1.0.0 depends on gone0, which does not exist, and bomb 1.1.0 depends on gone1, which does not exist, bomb <1.2.0 cannot be used",
    "And because bomb 1.2.0 depends on gone2, which does not exist, bomb <1.3.0 cannot be used",
  ]);
}, 30_000);
