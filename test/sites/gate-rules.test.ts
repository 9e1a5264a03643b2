import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { ownPath } from "#sites/gate/gate-address.ts";
import { cacheControlBehindGate } from "#sites/gate/gate-protection.ts";
import { createTimedSet, createTimedSets } from "#sites/gate/gate-state.ts";

test("whatever it is given, a way back stays on the host", () => {
  const piece = fc.constantFrom(
    "/",
    "\\",
    ".",
    "..",
    "\t",
    "\n",
    "@",
    ":",
    "evil.example",
    "%2f",
    "?",
    "#",
    " ",
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(piece, fc.string({ unit: "binary", maxLength: 3 })), { maxLength: 8 }),
      (pieces) => {
        const path = ownPath(pieces.join(""));
        const reached = new URL(path, "https://blog.example/x");
        expect(reached.origin).toBe("https://blog.example");
        expect(`${reached.pathname}${reached.search}`).toBe(path);
        expect(() => new Headers({ location: path })).not.toThrow();
      },
    ),
    { numRuns: 2000 },
  );
});

test.each([
  [undefined, "private"],
  ["", "private"],
  ["public, max-age=31536000, immutable", "private, max-age=31536000, immutable"],
  ["max-age=0, must-revalidate", "private, max-age=0, must-revalidate"],
  ["Public,S-MaxAge=60, proxy-revalidate", "private"],
  ['private="set-cookie, x", no-cache', "private, no-cache"],
  ["no-store", "private, no-store"],
])("behind a gate %j becomes %j", (value, expected) => {
  expect(cacheControlBehindGate(value)).toBe(expected);
});

test("what is remembered for a while is bounded", () => {
  let atMs = 0;
  const set = createTimedSet(() => new Date(atMs), 2);
  expect(["a", "b", "c"].map((text) => set.add(text, new Date(10)))).toEqual([true, true, false]);
  expect(["a", "b", "c"].map(set.has)).toEqual([true, true, false]);
  atMs = 10;
  expect(["a", "b", "c"].map(set.has)).toEqual([false, false, false]);
  expect(set.add("c", new Date(20))).toBe(true);
});

test("tickets of one site never take the room of another's", () => {
  let atMs = 0;
  const used = createTimedSets(() => new Date(atMs), 2);
  expect(["a", "b", "c"].map((text) => used(1).add(text, new Date(10)))).toEqual([
    true,
    true,
    false,
  ]);
  expect(used(2).add("a", new Date(10))).toBe(true);
  atMs = 10;
  for (let id = 3; id < 2000; id += 1) used(id);
  expect(used(1).has("a")).toBe(false);
  expect(used(1).add("c", new Date(20))).toBe(true);
});
