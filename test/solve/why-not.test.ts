import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { whyNot } from "#solve/why-not.ts";

import { inputOf, type Listing } from "./registry.ts";
import { NAMES, run, worlds } from "./worlds.ts";

const listing: Listing = {
  app: { "1.0.0": { left: "^1.0.0" }, "2.0.0": { left: "^2.0.0" } },
  left: { "1.0.0": {}, "1.5.0": {}, "2.0.0": {}, "3.0.0": { about: { yanked: true } } },
  side: { "1.0.0": { left: "^1.0.0" } },
};

type Project = Parameters<typeof inputOf>[1];

function ask(project: Project, range: string, locked = {}): ReturnType<typeof whyNot> {
  return whyNot(inputOf(listing, project, { locked }), { name: "left", range });
}

async function told(project: Project, range: string): Promise<string> {
  const answer = await ask(project, range);
  if (answer.possible) return "possible";
  const { explanation, suggestions } = answer.failure;
  return [explanation, ...suggestions.map((command) => `$ ${command}`)].join("\n");
}

test("what is there already takes nothing", async () => {
  expect(await ask({ dependencies: { app: "*" } }, "^2.0.0")).toEqual({
    possible: true,
    changes: [],
    needs: [],
  });
});

test("what would change is told, and nothing else changes", async () => {
  const locked = { app: "1.0.0", left: "1.0.0" };
  expect(await ask({ dependencies: { app: "*", side: "*" } }, ">=1.2.0", locked)).toEqual({
    possible: true,
    changes: [{ name: "left", from: "1.0.0", to: "1.5.0" }],
    needs: [],
  });
  expect(await ask({ dependencies: {} }, "*")).toEqual({
    possible: true,
    changes: [{ name: "left", to: "2.0.0" }],
    needs: [],
  });
});

test("a range of the project itself is named", async () => {
  const to = { possible: true as const, changes: [{ name: "left", from: "1.5.0", to: "2.0.0" }] };
  const wanted = "^2.0.0";
  expect(await ask({ dependencies: { left: "^1.0.0" } }, wanted)).toEqual({
    ...to,
    needs: ["left ^1.0.0 (dependencies)"],
  });
  expect(await ask({ dependencies: {}, optionalDependencies: { left: "1.x" } }, wanted)).toEqual({
    ...to,
    needs: ["left 1.x (optionalDependencies)"],
  });
  const overridden = { dependencies: { left: "2.x" }, overrides: { left: "1.x" } };
  expect(await ask(overridden, wanted)).toEqual({ ...to, needs: ["left 1.x (overrides)"] });
  const forOthers = { dependencies: { app: "^2.0.0" }, overrides: { left: "1.x" } };
  expect(await ask(forOthers, wanted)).toEqual({ ...to, needs: ["left 1.x (overrides)"] });
});

test("a suggested command keeps the section that the package stands in", async () => {
  const project = { dependencies: { app: "^1.0.0" }, devDependencies: { left: "^1.0.0" } };
  expect((await told(project, "^2.0.0")).split("\n").at(-1)).toBe(
    "$ land add app@^2.0.0 && land add --dev left@^2.0.0",
  );
});

test("what cannot be is explained, with what would help", async () => {
  expect(await told({ dependencies: { app: "^1.0.0" } }, "^2.0.0")).toMatchInlineSnapshot(`
    "Because this project depends on app ^1.0.0 and app 1.0.0 depends on left ^1.0.0, left ^1.0.0 is needed
    So, because you ask for left ^2.0.0, no versions fit together
    $ land add app@^2.0.0 left@^2.0.0"
  `);
  expect(await told({ dependencies: { side: "*", left: "*" } }, "^2.0.0")).toMatchInlineSnapshot(`
    "Because this project depends on side * and side 1.0.0 depends on left ^1.0.0, left ^1.0.0 is needed
    So, because you ask for left ^2.0.0, no versions fit together"
  `);
  expect(await told({ dependencies: {} }, "^3.0.0")).toMatchInlineSnapshot(
    `"Because left 3.0.0 is yanked and you ask for left ^3.0.0, no versions fit together"`,
  );
  expect(await told({ dependencies: {} }, "newest")).toMatchInlineSnapshot(
    `"Because you ask for left as "newest", which is not a version range, no versions fit together"`,
  );
  const scopedOverrides = [{ parent: "app", name: "left", range: "1.0.0" }];
  expect(await told({ dependencies: { app: "*" }, scopedOverrides }, "^2.0.0"))
    .toMatchInlineSnapshot(`
    "Because this project depends on app * and every version of app depends on left 1.0.0 (by the override of the project for app), left 1.0.0 is needed
    So, because you ask for left ^2.0.0, no versions fit together"
  `);
  const answer = await whyNot(inputOf(listing, { dependencies: {} }), { name: "no", range: "*" });
  expect(!answer.possible && answer.failure.explanation).toMatchInlineSnapshot(
    `"Because you ask for no, which does not exist, no versions fit together"`,
  );
});

test("is possible exactly where the project could ask for it, and the changes lead there", async () => {
  const wanted = fc.record({
    name: fc.constantFrom(...NAMES),
    range: fc.constantFrom("*", "^1.0.0", "^2.0.0", ">=1.1.0", "1.0.0"),
  });
  await fc.assert(
    fc.asyncProperty(worlds(false), wanted, async (world, { name, range }) => {
      const plain = { ...world, root: { ...world.root, overrides: {} } };
      const { registry, root } = plain;
      const input = { ...plain, versionsOf: async (asked: string) => registry.get(asked) };
      const { [name]: _own, ...devDependencies } = root.devDependencies;
      const dependencies = { ...root.dependencies, [name]: range };
      const asked = await run({ ...plain, root: { ...root, dependencies, devDependencies } });
      const answer = await whyNot(input, { name, range });
      expect(answer.possible).toBe(asked.ok);
    }),
    { numRuns: 200 },
  );
});
