import { expect, test } from "bun:test";

import { solve } from "#solve/solve.ts";

import { answer, describe, inputOf, type Listing, versionsIn } from "./registry.ts";

const yanked = { about: { yanked: true } };

test("takes the newest version, and a shared dependency in the overlap", async () => {
  const listing = {
    a: { "1.0.0": { shared: ">=2.0.0 <4.0.0" } },
    b: { "1.0.0": { shared: ">=3.0.0 <5.0.0" } },
    shared: { "2.0.0": {}, "3.0.0": {}, "3.6.9": {}, "4.0.0": {}, "5.0.0": {} },
  };
  expect(await answer(listing, { dependencies: { a: "1.0.0", b: "1.0.0" } })).toBe(
    "a 1.0.0, b 1.0.0, shared 3.6.9",
  );
});

test("a project without dependencies has an empty solution", async () => {
  const result = await solve(inputOf({}, { dependencies: {} }));
  expect(result).toEqual({ ok: true, solution: { packages: [] } });
});

test("resolves a conflict: an older version does without what the newest asks", async () => {
  const listing = {
    foo: { "1.0.0": {}, "2.0.0": { bar: "^1.0.0" } },
    bar: { "1.0.0": { foo: "^1.0.0" } },
  };
  expect(await answer(listing, { dependencies: { foo: ">=1.0.0" } })).toBe("foo 1.0.0");
});

test("learns from a term that two packages satisfy together", async () => {
  const listing = {
    foo: { "1.0.0": {}, "1.1.0": { left: "^1.0.0", right: "^1.0.0" } },
    left: { "1.0.0": { shared: ">=1.0.0" } },
    right: { "1.0.0": { shared: "<2.0.0" } },
    shared: { "1.0.0": { target: "^1.0.0" }, "2.0.0": {} },
    target: { "1.0.0": {}, "2.0.0": {} },
  };
  expect(await answer(listing, { dependencies: { foo: "^1.0.0", target: "^2.0.0" } })).toBe(
    "foo 1.0.0, target 2.0.0",
  );
});

test("jumps back over packages that have nothing to do with the conflict", async () => {
  const others = Array.from({ length: 20 }, (_, i) => ({ name: `x${i}` }));
  const listing: Listing = {
    ...Object.fromEntries(others.map(({ name }) => [name, { "1.0.0": {}, "2.0.0": {} }])),
    a: { "1.0.0": {}, "2.0.0": { z: "^1.0.0" } },
    z: { "1.0.0": { b: "^1.0.0" } },
    b: { "1.0.0": {}, "2.0.0": {} },
  };
  const wanted = Object.fromEntries(others.map(({ name }) => [name, "*"]));
  const input = inputOf(listing, { dependencies: { ...wanted, a: "*", b: "^2.0.0" } });
  const result = await solve({ ...input, maxSteps: 2000 });
  expect(describe(result)).toStartWith("a 1.0.0, b 2.0.0, x0 2.0.0, x1 2.0.0");
});

test("holds a hundred versions of two packages against one of a third", async () => {
  const listing: Listing = { baz: { "0.0.0": {} }, foo: {}, bar: {} };
  for (let major = 0; major < 10; major++)
    for (let minor = 0; minor < 10; minor++) {
      Object.assign(listing["foo"] ?? {}, { [`${major}.${minor}.0`]: { baz: `${major}.0.0` } });
      Object.assign(listing["bar"] ?? {}, { [`${major}.${minor}.0`]: { baz: `0.${minor}.0` } });
    }
  expect(await answer(listing, { dependencies: { foo: "*", bar: "*" } })).toBe(
    "bar 9.0.0, baz 0.0.0, foo 0.9.0",
  );
});

test("gives way deep in the tree before it gives way at the project", async () => {
  const listing = {
    a: { "1.0.0": { b: "*" }, "2.0.0": { b: "*", c: "2.0.0" } },
    b: { "1.0.0": {}, "2.0.0": { c: "1.0.0" } },
    c: { "1.0.0": {}, "2.0.0": {} },
  };
  expect(await answer(listing, { dependencies: { a: "*" } })).toBe("a 2.0.0, b 1.0.0, c 2.0.0");
});

test("cycles are legal, also a package that needs itself where it fits", async () => {
  const listing = {
    a: { "1.0.0": { b: "*", a: "^1.0.0" }, "2.0.0": { a: "^1.0.0" } },
    b: { "1.0.0": { a: "*" } },
  };
  const result = await solve(inputOf(listing, { dependencies: { a: "*" } }));
  expect(describe(result)).toBe("a 1.0.0, b 1.0.0");
  expect(result.ok && result.solution.packages.map((p) => p.dependencies)).toEqual([
    ["a", "b"],
    ["a"],
  ]);
});

test("a pre-release is taken only where the range names one of its own numbers, and after stable ones", async () => {
  const foo = { "1.0.0": {}, "1.1.0-beta.1": {}, "1.1.0-beta.2": {}, "2.0.0-rc.1": {} };
  const pick = (range: string): Promise<string> =>
    answer({ foo }, { dependencies: { foo: range } });
  expect(await pick("^1.0.0")).toBe("foo 1.0.0");
  expect(await pick(">=1.0.0")).toBe("foo 1.0.0");
  expect(await pick(">=1.1.0-beta.1 || ^1.0.0")).toBe("foo 1.0.0");
  expect(await pick("^1.1.0-beta.1")).toBe("foo 1.1.0-beta.2");
  expect(await pick("2.0.0-rc.1")).toBe("foo 2.0.0-rc.1");
  expect(await pick(">=1.1.0")).toContain("2.0.0-rc.1 must be asked for by name");
});

test("a locked version is preferred, but never holds the project back", async () => {
  const listing = {
    foo: { "1.0.0": { bar: "^1.0.0" }, "1.1.0": { bar: "^1.0.0" }, "2.0.0": { bar: "^2.0.0" } },
    bar: { "1.0.0": {}, "1.5.0": {}, "2.0.0": {} },
  };
  const locked = { foo: "1.0.0", bar: "1.0.0" };
  const pick = (foo: string): Promise<string> =>
    answer(listing, { dependencies: { foo } }, { locked });
  expect(await pick("*")).toBe("bar 1.0.0, foo 1.0.0");
  expect(await pick("^1.1.0")).toBe("bar 1.0.0, foo 1.1.0");
  expect(await pick("^2.0.0")).toBe("bar 2.0.0, foo 2.0.0");
});

test("a yanked version is taken only when it is locked", async () => {
  const listing = { foo: { "1.0.0": {}, "1.1.0": yanked } };
  const project = { dependencies: { foo: "^1.0.0" } };
  expect(await answer(listing, project)).toBe("foo 1.0.0");
  expect(await answer(listing, project, { locked: { foo: "1.1.0" } })).toBe("foo 1.1.0");
  expect(await answer(listing, { dependencies: { foo: "^1.1.0" } })).toMatchInlineSnapshot(`
    "Because foo 1.1.0 is yanked and this project depends on foo ^1.1.0, no versions fit together
    $ land add foo@^1.0.0"
  `);
});

test("an override stands in for every requirement on its name", async () => {
  const listing = {
    foo: { "1.0.0": { bar: "^1.0.0" } },
    bar: { "1.0.0": {}, "2.0.0": {}, "3.0.0": {} },
  };
  const overrides = { bar: "2.x" };
  expect(await answer(listing, { dependencies: { foo: "*" }, overrides })).toBe(
    "bar 2.0.0, foo 1.0.0",
  );
  expect(await answer(listing, { dependencies: { foo: "*", bar: "3.0.0" }, overrides })).toBe(
    "bar 2.0.0, foo 1.0.0",
  );
  expect(await answer(listing, { dependencies: {}, overrides })).toBe("");
});

test("development dependencies count for the project", async () => {
  const listing = { foo: { "1.0.0": { bar: "^1.0.0" } }, bar: { "1.0.0": {}, "2.0.0": {} } };
  const project = { dependencies: { foo: "*" }, devDependencies: { bar: "*" } };
  expect(await answer(listing, project)).toBe("bar 1.0.0, foo 1.0.0");
});

test("lowest mode takes the oldest stable version", async () => {
  const listing = { foo: { "1.0.0-rc.1": {}, "1.0.0": {}, "1.2.0": {} } };
  const project = { dependencies: { foo: ">=1.0.0-rc.1" } };
  expect(await answer(listing, project, { mode: "lowest" })).toBe("foo 1.0.0");
});

test("a version that needs another land is passed over", async () => {
  const listing = {
    foo: { "1.0.0": {}, "2.0.0": { about: { engines: { land: ">=0.5.0", node: ">=99" } } } },
  };
  const pick = (landVersion: string): Promise<string> =>
    answer(listing, { dependencies: { foo: "*" } }, { landVersion });
  expect(await pick("0.4.0")).toBe("foo 1.0.0");
  expect(await pick("0.5.0")).toBe("foo 2.0.0");
  expect(await pick("0.5.0-dev")).toBe("foo 2.0.0");
});

test("the same versions in another order, with repeats, give the same answer", async () => {
  const input = inputOf({}, { dependencies: { foo: "*" } });
  const plain = versionsIn({ foo: { "1.0.0": {}, "10.0.0": {}, "9.0.0": {} } });
  const result = await solve({
    ...input,
    versionsOf: async (name) => (await plain(name))?.flatMap((candidate) => [candidate, candidate]),
  });
  expect(describe(result)).toBe("foo 10.0.0");
});

test("a failure of the registry comes out, but only for a package that is needed", async () => {
  const listing = {
    foo: { "1.0.0": {}, "2.0.0": { bar: "^1.0.0", down: "*" } },
    bar: { "2.0.0": { down: "*" } },
    cap: { "1.0.0": { foo: "^1.0.0" } },
  };
  const broken = new Error("connection reset");
  const input = inputOf(listing, { dependencies: { foo: "*" } });
  const versionsOf: typeof input.versionsOf = async (name) => {
    if (name === "down") throw broken;
    return input.versionsOf(name);
  };
  expect(await solve({ ...input, versionsOf }).catch((error: unknown) => error)).toBe(broken);
  // Here foo 2.0.0, and with it "down", is only looked at ahead.
  const older = inputOf(listing, { dependencies: { foo: "*", cap: "*" } });
  expect(describe(await solve({ ...older, versionsOf }))).toBe("cap 1.0.0, foo 1.0.0");
});

test("everything a decision mentions is asked for at once", async () => {
  const listing: Listing = { a: { "1.0.0": { b: "*", c: "*", d: "*" } }, b: {}, c: {}, d: {} };
  for (const name of ["b", "c", "d"]) listing[name] = { "1.0.0": { [`${name}${name}`]: "*" } };
  for (const name of ["bb", "cc", "dd"]) listing[name] = { "1.0.0": {} };
  const input = inputOf(listing, { dependencies: { a: "*" } });
  const waves: string[][] = [];
  let waiting: { name: string; go: () => void }[] = [];
  const versionsOf: typeof input.versionsOf = async (name) => {
    await new Promise<void>((go) => waiting.push({ name, go }));
    return input.versionsOf(name);
  };
  const solving = solve({ ...input, versionsOf });
  for (let wave = 0; wave < 3; wave++) {
    // A macrotask: every microtask that could ask for more has run by then.
    await new Promise((go) => setImmediate(go));
    const asked = waiting;
    waiting = [];
    waves.push(asked.map(({ name }) => name).toSorted());
    for (const { go } of asked) go();
  }
  expect((await solving).ok).toBe(true);
  expect(waves).toEqual([["a"], ["b", "c", "d"], ["bb", "cc", "dd"]]);
});

test("names that no package can have, and keys of Object, name nothing", async () => {
  const listing = { foo: { "1.0.0": { "../etc": "*" }, "0.9.0": {} } };
  expect(await answer(listing, { dependencies: { foo: "*" } })).toBe("foo 0.9.0");
  const hostile: Record<string, string> = JSON.parse('{"__proto__":"*","constructor":"*"}');
  const result = await solve(inputOf(listing, { dependencies: hostile }));
  expect(!result.ok && result.failure.explanation).toContain("which does not exist");
});

test("a search without end is stopped with a clear failure", async () => {
  const listing: Listing = {};
  for (let hole = 0; hole < 7; hole++) listing[`hole${hole}`] = {};
  for (let pigeon = 0; pigeon < 8; pigeon++) {
    const versions = Array.from({ length: 7 }, (_, v) => [
      `${v + 1}.0.0`,
      { [`hole${v}`]: `${pigeon + 1}.0.0` },
    ]);
    listing[`pigeon${pigeon}`] = Object.fromEntries(versions);
    for (let hole = 0; hole < 7; hole++)
      Object.assign(listing[`hole${hole}`] ?? {}, { [`${pigeon + 1}.0.0`]: {} });
  }
  const dependencies = Object.fromEntries(Array.from({ length: 8 }, (_, p) => [`pigeon${p}`, "*"]));
  const result = await solve(inputOf(listing, { dependencies }, { maxSteps: 2000 }));
  expect(!result.ok && result.failure).toMatchObject({ kind: "gave_up", proof: [] });
  expect(!result.ok && result.failure.explanation).toContain("in the steps allowed");
});
