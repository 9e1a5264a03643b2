import { expect, test } from "bun:test";

import { solve } from "#solve/solve.ts";

import { answer, inputOf, type Listing } from "./registry.ts";

const optional = (optionalDependencies: Record<string, string>, dependencies = {}) => ({
  about: { dependencies, optionalDependencies },
});

test("an optional dependency is installed when it fits", async () => {
  const listing = {
    foo: { "1.0.0": optional({ bar: "^1.0.0" }) },
    bar: { "1.0.0": {}, "2.0.0": {} },
  };
  expect(await answer(listing, { dependencies: { foo: "*" } })).toBe("bar 1.0.0, foo 1.0.0");
});

test("one that does not exist, is out of range, yanked or unreadable is left out", async () => {
  const listing = {
    bar: { "1.0.0": {} },
    old: { "1.0.0": { about: { yanked: true } } },
  };
  const optionalDependencies = { none: "*", bar: "^2.0.0", old: "*", git: "github:a/b" };
  expect(await answer(listing, { dependencies: {}, optionalDependencies })).toBe("");
});

test("one that cannot be held together with the rest is left out, and the newest version stays", async () => {
  const listing = {
    foo: { "1.0.0": optional({ bar: "^1.0.0" }), "2.0.0": optional({ bar: "^1.0.0" }) },
    bar: { "1.0.0": { baz: "^1.0.0" } },
    baz: { "1.0.0": {}, "2.0.0": {} },
  };
  expect(await answer(listing, { dependencies: { foo: "*", baz: "^2.0.0" } })).toBe(
    "baz 2.0.0, foo 2.0.0",
  );
});

test("of two that exclude each other one stays", async () => {
  const listing = {
    a: { "1.0.0": { shared: "^1.0.0" } },
    b: { "1.0.0": { shared: "^2.0.0" } },
    shared: { "1.0.0": {}, "2.0.0": {} },
  };
  const project = { dependencies: {}, optionalDependencies: { a: "*", b: "*" } };
  expect(await answer(listing, project)).toBe("a 1.0.0, shared 1.0.0");
});

test("one that was left out comes back when another made room for it", async () => {
  const listing = {
    z: { "1.0.0": { s: "^1.0.0", t: "^1.0.0" } },
    a: { "1.0.0": { s: "^2.0.0" } },
    y: { "1.0.0": { u: "^1.0.0" } },
    s: { "1.0.0": {}, "2.0.0": {} },
    t: { "1.0.0": { u: "^2.0.0" } },
    u: { "1.0.0": {}, "2.0.0": {} },
  };
  const project = { dependencies: { a: "*" }, optionalDependencies: { y: "*", z: "*" } };
  expect(await answer(listing, project)).toBe("a 1.0.0, s 2.0.0, u 1.0.0, y 1.0.0");
});

test("a name under both sections is optional, as in npm", async () => {
  const both = { dependencies: { none: "*" }, optionalDependencies: { none: "*" } };
  expect(await answer({}, both)).toBe("");
});

test("an optional dependency present in a version that does not fit is no dependency", async () => {
  const listing = {
    foo: { "1.0.0": optional({ bar: "^1.0.0" }) },
    bar: { "2.0.0": {}, "1.0.0": {} },
  };
  const result = await solve(inputOf(listing, { dependencies: { foo: "*", bar: "2.0.0" } }));
  expect(result.ok && result.solution.packages.map((p) => p.dependencies)).toEqual([[], []]);
});

test("a failure that rests on no optional dependency stays a failure", async () => {
  const listing = {
    foo: { "1.0.0": optional({ bar: "*" }, { baz: "^3.0.0" }) },
    bar: { "1.0.0": {} },
  };
  expect(await answer(listing, { dependencies: { foo: "*" } })).toMatchInlineSnapshot(
    `"Because foo 1.0.0 depends on baz, which does not exist, and this project depends on foo *, no versions fit together"`,
  );
});

test("a search that optional dependencies make too hard is done without them", async () => {
  const listing: Listing = { easy: { "1.0.0": {} } };
  const names = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];
  // Seven packages for six places: there is no way, and no short proof of that.
  for (const [at, name] of names.entries())
    for (let place = 1; place < names.length; place++) {
      const needs = optional({ [`place${place}`]: `${at + 1}.0.0` });
      (listing[name] ??= {})[`${place}.0.0`] = needs;
      (listing[`place${place}`] ??= {})[`${at + 1}.0.0`] = {};
    }
  const dependencies = Object.fromEntries([...names, "easy"].map((name) => [name, "*"]));
  const settings = { maxSteps: 400 };
  expect(await answer(listing, { dependencies }, settings)).toStartWith("easy 1.0.0, p0 6.0.0");
});
