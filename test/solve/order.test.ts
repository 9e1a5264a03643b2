import { expect, test } from "bun:test";

import { parseVersion } from "#base/names.ts";
import type { Solution } from "#solve/model.ts";
import { findCycles, orderInstall } from "#solve/order.ts";

const solution = (edges: Record<string, string[]>): Solution => ({
  packages: Object.entries(edges).map(([name, dependencies]) => ({
    name,
    version: parseVersion("1.0.0"),
    dependencies,
  })),
});

test("each package comes after what it depends on", () => {
  expect(orderInstall(solution({ a: ["b", "c"], b: ["d"], c: ["d"], d: [] }))).toEqual([
    ["d"],
    ["b"],
    ["c"],
    ["a"],
  ]);
});

test("packages that depend on each other stand in one group", () => {
  const cyclic = solution({ a: ["b"], b: ["c"], c: ["b", "d"], d: [], e: ["e"] });
  expect(orderInstall(cyclic)).toEqual([["d"], ["b", "c"], ["a"], ["e"]]);
  expect(findCycles(cyclic)).toEqual([["b", "c"], ["e"]]);
});

test("a chain of 50,000 packages does not end the stack", () => {
  const edges: Record<string, string[]> = {};
  for (let at = 0; at < 50_000; at++) edges[`p${at}`] = at === 49_999 ? [] : [`p${at + 1}`];
  expect(orderInstall(solution(edges)).at(0)).toEqual(["p49999"]);
});
