import { expect, test } from "bun:test";

import { solve } from "#solve/solve.ts";

import { answer, inputOf, type Listing } from "./registry.ts";

test("a straight derivation", async () => {
  const listing = {
    foo: { "1.0.0": { bar: "^2.0.0" } },
    bar: { "2.0.0": { baz: "^3.0.0" } },
    baz: { "1.0.0": {}, "3.0.0": {} },
  };
  const project = { name: "shop", dependencies: { foo: "^1.0.0", baz: "^1.0.0" } };
  expect(await answer(listing, project)).toMatchInlineSnapshot(`
    "Because foo 1.0.0 depends on bar ^2.0.0 and bar 2.0.0 depends on baz ^3.0.0, foo 1.0.0 requires baz 3.0.0
    So, because shop depends on baz ^1.0.0 and on foo ^1.0.0, no versions fit together
    $ land add baz@^3.0.0"
  `);
});

test("a suggested command says what was asked for anew as well", async () => {
  const listing: Listing = {
    left: { "1.0.0": {}, "2.0.0": {} },
    pad: { "1.0.0": { left: "^1.0.0" } },
    other: { "1.0.0": {} },
  };
  const project = { dependencies: { left: "^2.0.0", other: "*", pad: ">=1.0.0 <2" } };
  expect(await answer(listing, project, { fresh: new Set(["pad"]) })).toMatchInlineSnapshot(`
    "Because pad 1.0.0 depends on left ^1.0.0 and this project depends on left ^2.0.0, pad 1.0.0 cannot be used
    So, because this project depends on pad >=1.0.0 <2, no versions fit together
    $ land add left@^1.0.0 'pad@>=1.0.0 <2'"
  `);
  const onlyDev = { dependencies: { left: "^2.0.0" }, devDependencies: { pad: "^1.0.0" } };
  expect(await answer(listing, onlyDev, { fresh: new Set(["pad"]) })).toMatchInlineSnapshot(`
    "Because pad 1.0.0 depends on left ^1.0.0 and this project depends on left ^2.0.0, pad 1.0.0 cannot be used
    So, because this project depends on pad ^1.0.0 for development, no versions fit together
    $ land add left@^1.0.0 && land add --dev pad@^1.0.0"
  `);
});

const branching: Listing = {
  foo: {
    "1.0.0": { a: "^1.0.0", b: "^1.0.0" },
    "1.1.0": { x: "^1.0.0", y: "^1.0.0" },
  },
  a: { "1.0.0": { b: "^2.0.0" } },
  b: { "1.0.0": {}, "2.0.0": {} },
  x: { "1.0.0": { y: "^2.0.0" } },
  y: { "1.0.0": {}, "2.0.0": {} },
};

test("a derivation with branches numbers what it refers back to", async () => {
  expect(await answer(branching, { dependencies: { foo: "^1.0.0" } })).toMatchInlineSnapshot(`
    "    Because foo 1.0.0 depends on a ^1.0.0 and a 1.0.0 depends on b ^2.0.0, foo 1.0.0 requires b 2.0.0
    (1) And because foo 1.0.0 depends on b ^1.0.0, foo 1.0.0 cannot be used

        Because foo 1.1.0 depends on x ^1.0.0 and x 1.0.0 depends on y ^2.0.0, foo 1.1.0 requires y 2.0.0
        And because foo 1.1.0 depends on y ^1.0.0, foo 1.1.0 cannot be used
        And because foo 1.0.0 cannot be used (1), no version of foo can be used
        So, because this project depends on foo ^1.0.0, no versions fit together"
  `);
});

test("no way through a cycle", async () => {
  const listing = {
    a: { "1.0.0": { b: "1.0.0" }, "2.0.0": { b: "2.0.0" } },
    b: { "1.0.0": { a: "2.0.0" }, "2.0.0": { a: "1.0.0" } },
  };
  expect(await answer(listing, { dependencies: { a: "*", b: "*" } })).toMatchInlineSnapshot(`
    "Because b 1.0.0 depends on a 2.0.0 and a 1.0.0 depends on b 1.0.0, a 1.0.0 cannot be used
    Because a 2.0.0 depends on b 2.0.0 and b 2.0.0 depends on a 1.0.0, a 2.0.0 cannot be used
    Thus, no version of a can be used
    So, because this project depends on a *, no versions fit together"
  `);
});

test("what the registry does not have", async () => {
  const listing = {
    foo: { "2.0.0": {}, "2.1.3": {} },
    tip: { "1.0.0-beta.1": {} },
    odd: { "1.0.0": { none: "^1.0.0" } },
    git: { "1.0.0": { foo: "github:a/b" } },
    empty: {},
  };
  const tell = (name: string, range: string): Promise<string> =>
    answer(listing, { dependencies: { [name]: range } });
  expect(await tell("foo", "^1.0.0")).toMatchInlineSnapshot(`
    "Because this project depends on foo ^1.0.0, which no version matches (the newest is 2.1.3), no versions fit together
    $ land add foo@^2.1.3"
  `);
  expect(await tell("tip", "^1.0.0")).toMatchInlineSnapshot(`
    "Because this project depends on tip ^1.0.0, which no version matches (there are only pre-releases, the newest is 1.0.0-beta.1), no versions fit together
    $ land add tip@^1.0.0-beta.1"
  `);
  expect(await tell("none", "^1.0.0")).toMatchInlineSnapshot(`
    "Because this project depends on none, which does not exist, no versions fit together
    $ land remove none"
  `);
  expect(await tell("odd", "*")).toMatchInlineSnapshot(
    `"Because odd 1.0.0 depends on none, which does not exist, and this project depends on odd *, no versions fit together"`,
  );
  expect(await tell("git", "*")).toMatchInlineSnapshot(
    `"Because git 1.0.0 asks for foo as "github:a/b", which is not a version range, and this project depends on git *, no versions fit together"`,
  );
  expect(await tell("empty", "*")).toMatchInlineSnapshot(
    `"Because this project depends on empty *, which no version matches (it has no versions), no versions fit together"`,
  );
  expect(await tell("foo", "latest")).toMatchInlineSnapshot(`
    "Because this project asks for foo as "latest", which is not a version range, no versions fit together
    $ land add foo@^2.1.3"
  `);
});

test("overrides, development dependencies and engines are named as such", async () => {
  const listing = {
    foo: { "1.0.0": { bar: "^1.0.0" } },
    bar: { "1.0.0": {}, "2.0.0": {} },
    new: { "1.0.0": { about: { engines: { land: ">=9.0.0" } } } },
  };
  expect(
    await answer(listing, { dependencies: { foo: "*" }, overrides: { bar: "^3.0.0" } }),
  ).toMatchInlineSnapshot(
    `"Because foo 1.0.0 depends on bar ^3.0.0 (by the overrides of the project), which no version matches (the newest is 2.0.0), and this project depends on foo *, no versions fit together"`,
  );
  expect(await answer(listing, { dependencies: { foo: "*" }, devDependencies: { bar: "2.x" } }))
    .toMatchInlineSnapshot(`
    "Because foo 1.0.0 depends on bar ^1.0.0 and this project depends on bar 2.x for development, foo 1.0.0 cannot be used
    So, because this project depends on foo *, no versions fit together
    $ land add --dev bar@^1.0.0"
  `);
  expect(
    await answer(listing, { dependencies: { new: "*" } }, { landVersion: "0.1.0" }),
  ).toMatchInlineSnapshot(
    `"Because new 1.0.0 needs land >=9.0.0 and this is land 0.1.0 and this project depends on new *, no versions fit together"`,
  );
});

test("many versions are folded into ranges, yanked ones counted", async () => {
  const listing: Listing = { foo: {}, bar: { "1.0.0": {}, "2.0.0": {} }, gone: {} };
  for (let minor = 0; minor < 9; minor++) {
    const bar = minor > 2 && minor < 6 ? "^2.0.0" : "^1.0.0";
    Object.assign(listing["foo"] ?? {}, { [`1.${minor}.0`]: { bar } });
    Object.assign(listing["gone"] ?? {}, { [`1.${minor}.0`]: { about: { yanked: true } } });
  }
  expect(
    await answer(listing, { dependencies: { foo: "~1.3.0 || ~1.4.0 || 1.5.0", bar: "^1.0.0" } }),
  ).toMatchInlineSnapshot(`
    "Because foo ~1.3.0 || ~1.4.0 || 1.5.0 depends on bar ^2.0.0 and this project depends on bar ^1.0.0, foo ~1.3.0 || ~1.4.0 || 1.5.0 cannot be used
    So, because this project depends on foo ~1.3.0 || ~1.4.0 || 1.5.0, no versions fit together
    $ land add bar@^2.0.0
    $ land add foo@^1.8.0"
  `);
  expect(await answer(listing, { dependencies: { gone: "*" } })).toMatchInlineSnapshot(
    `"Because gone 1.8.0, 1.7.0, 1.6.0, 1.5.0 and 5 more are yanked, and this project depends on gone *, no versions fit together"`,
  );
});

test("if no single change helps, all of them together are tried", async () => {
  const listing = {
    foo: { "2.0.0": {} },
    bar: { "2.0.0": { foo: "^2.0.0" } },
    baz: { "1.0.0": { bar: "*" } },
  };
  const project = { dependencies: { baz: "*", foo: "^1.0.0" }, devDependencies: { bar: "^1.0.0" } };
  expect(await answer(listing, project)).toMatchInlineSnapshot(`
    "Because this project depends on foo ^1.0.0, which no version matches (the newest is 2.0.0), no versions fit together
    $ land add foo@^2.0.0 && land add --dev bar@^2.0.0"
  `);
});

test("text of the registry cannot write to the terminal", async () => {
  const listing = {
    foo: { "1.0.0": { bar: "\u001b[2J^1" }, "2.0.0": { "\u001b]0;x\u0007": "*" } },
  };
  const text = await answer(listing, { name: "a\u202eb", dependencies: { foo: "*" } });
  // oxlint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
});

test("the proof is plain data in which every step rests on earlier ones", async () => {
  const result = await solve(inputOf(branching, { dependencies: { foo: "^1.0.0" } }));
  const proof = result.ok ? [] : result.failure.proof;
  expect(JSON.parse(JSON.stringify(proof))).toEqual(proof);
  for (const { step, because, reason } of proof) {
    expect(reason === undefined).toBe(because !== undefined);
    for (const cause of because ?? []) expect(cause).toBeLessThan(step);
  }
  expect(proof.at(0)).toMatchInlineSnapshot(`
    {
      "reason": {
        "kind": "requirement",
        "on": "b",
        "package": "foo",
        "range": "^1.0.0",
        "versions": "1.0.0",
      },
      "says": "foo 1.0.0 depends on b ^1.0.0",
      "step": 1,
      "terms": [
        {
          "installed": true,
          "package": "foo",
          "runs": [
            [
              "1.0.0",
              "1.0.0",
            ],
          ],
          "versions": "1.0.0",
        },
        {
          "installed": false,
          "package": "b",
          "runs": [
            [
              "1.0.0",
              "1.0.0",
            ],
          ],
          "versions": "1.0.0",
        },
      ],
    }
  `);
  expect(proof.at(-1)).toMatchObject({ says: "no versions fit together" });
});

test("a proof of hundreds of steps is told in short", async () => {
  const listing: Listing = {};
  for (let pigeon = 0; pigeon < 6; pigeon++) {
    const versions = Array.from({ length: 5 }, (_, v) => [
      `${v + 1}.0.0`,
      { [`hole${v}`]: `${pigeon + 1}.0.0` },
    ]);
    listing[`pigeon${pigeon}`] = Object.fromEntries(versions);
    for (let hole = 0; hole < 5; hole++) (listing[`hole${hole}`] ??= {})[`${pigeon + 1}.0.0`] = {};
  }
  const dependencies = Object.fromEntries(Array.from({ length: 6 }, (_, p) => [`pigeon${p}`, "*"]));
  const text = await answer(listing, { dependencies });
  expect(text.replace(/\d+ steps/, "N steps")).toMatchInlineSnapshot(`
    "No versions fit together. The proof takes N steps over 7 packages and begins with:
    - this project depends on pigeon0 *
    - this project depends on pigeon1 *
    - this project depends on pigeon2 *
    - this project depends on pigeon3 *
    - this project depends on pigeon4 *
    - this project depends on pigeon5 *"
  `);
});

test("a long chain is told from both ends, and its proof is whole", async () => {
  const listing: Listing = {};
  for (let at = 0; at < 3000; at++) listing[`c${at}`] = { "1.0.0": { [`c${at + 1}`]: "^1.0.0" } };
  const result = await solve(inputOf(listing, { dependencies: { c0: "*" } }));
  expect(!result.ok && result.failure.proof.length).toBe(6001);
  expect(!result.ok && result.failure.explanation).toMatchInlineSnapshot(`
    "Because c0 1.0.0 depends on c1 ^1.0.0 and c1 1.0.0 depends on c2 ^1.0.0, c0 1.0.0 requires c2 1.0.0
    And because c2 1.0.0 depends on c3 ^1.0.0, c0 1.0.0 requires c3 1.0.0
    And because c3 1.0.0 depends on c4 ^1.0.0, c0 1.0.0 requires c4 1.0.0
    And because c4 1.0.0 depends on c5 ^1.0.0, c0 1.0.0 requires c5 1.0.0
    And so on through 2992 packages, c0 1.0.0 requires c2997 1.0.0
    And because c2997 1.0.0 depends on c2998 ^1.0.0, c0 1.0.0 requires c2998 1.0.0
    And because c2998 1.0.0 depends on c2999 ^1.0.0, c0 1.0.0 requires c2999 1.0.0
    And because c2999 1.0.0 depends on c3000, which does not exist, c0 1.0.0 cannot be used
    So, because this project depends on c0 *, no versions fit together"
  `);
});

test("a proof too long to tell names what there is not", async () => {
  const listing: Listing = {};
  for (let pigeon = 0; pigeon < 6; pigeon++) {
    const versions = Array.from({ length: 5 }, (_, v) => [
      `${v + 1}.0.0`,
      { [`hole${v}`]: `${pigeon + 1}.0.0` },
    ]);
    listing[`pigeon${pigeon}`] = {
      ...Object.fromEntries(versions),
      "6.0.0": pigeon === 3 ? { none: "*" } : { pigeon3: "6.0.0" },
    };
    for (let hole = 0; hole < 5; hole++) (listing[`hole${hole}`] ??= {})[`${pigeon + 1}.0.0`] = {};
  }
  listing["all"] = {
    "1.0.0": Object.fromEntries(Array.from({ length: 6 }, (_, p) => [`pigeon${p}`, "*"])),
  };
  const text = await answer(listing, { dependencies: { all: "*" } });
  expect(text.replace(/\d+ steps/, "N steps")).toMatchInlineSnapshot(`
    "No versions fit together. The proof takes N steps over 8 packages and begins with:
    - this project depends on all *
    It rests on:
    - pigeon3 6.0.0 depends on none, which does not exist"
  `);
});

test("help waits for the registry as long as patience lasts, and its failures stay its own", async () => {
  const listing = {
    foo: { "1.0.0": { bar: "^1.0.0" }, "2.0.0": { far: "*" } },
    bar: { "2.0.0": {} },
    far: { "1.0.0": {} },
  };
  const input = inputOf(listing, { dependencies: { foo: "^1.0.0" } });
  const told = async (far: () => Promise<undefined>): Promise<unknown> => {
    const versionsOf: typeof input.versionsOf = (name) =>
      name === "far" ? far() : input.versionsOf(name);
    const patience = (): Promise<unknown> => new Promise((over) => void setImmediate(over));
    const result = await solve({ ...input, versionsOf, patience });
    return !result.ok && [result.failure.explanation.split(",")[0], result.failure.suggestions];
  };
  const failure = "Because foo 1.0.0 depends on bar ^1.0.0";
  expect(await told(() => new Promise(() => undefined))).toEqual([failure, []]);
  expect(await told(() => Promise.reject(new Error("connection reset")))).toEqual([failure, []]);
  expect((await solve(input)).ok).toBe(false);
  expect(await answer(listing, { dependencies: { foo: "^1.0.0" } })).toEndWith(
    "$ land add foo@^2.0.0",
  );
});
