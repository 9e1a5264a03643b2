import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { createByteReader } from "#pack/byte-reader.ts";
import { problemOfPath } from "#pack/paths.ts";

const good = [
  "a",
  "src",
  ".npmignore",
  "a.b.c",
  "x~1",
  "@scope",
  "v1.0+2=3",
  "conx",
  "com",
  "com10",
  "nulls.js",
  "..a",
  "ö",
  "a b",
  "_",
  "-",
];
const bad = [
  "",
  ".",
  "..",
  "...",
  ". .",
  "con",
  "CON",
  "Con.txt",
  "aux.",
  "nul.tar.gz",
  "com1",
  "COM9.a",
  "lpt0",
  "prn",
  "a:b",
  "a\\b",
  "a\0",
  "a\n",
  "conin$",
  "com¹",
  "\uFEFFa",
  "\uFFFD",
  "\uD800",
];

test("a path is harmless where each of its segments is, however plain the others are", () => {
  const segments = fc.array(fc.constantFrom(...good, ...bad), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(segments, (parts) => {
      const isBad = parts.some((part) => bad.includes(part));
      expect(problemOfPath(parts.join("/")) !== undefined).toBe(isBad);
    }),
    { numRuns: 2000 },
  );
  for (const path of ["/a", "a/", "C:a", "a\n", "a/con", "con/a", "a/b/"])
    expect(problemOfPath(path)).toBeString();
});

test("what is at hand is given at once, what is not stays for those who wait", async () => {
  const chunks = [new Uint8Array([1, 2, 3]), new Uint8Array([4, 5])].values();
  const reader = createByteReader({ next: async () => chunks.next() });
  expect(reader.now(1)).toBeUndefined();
  expect(reader.now(0)).toEqual(new Uint8Array(0));
  expect(await reader.some(1)).toEqual(new Uint8Array([1]));
  expect(reader.now(3)).toBeUndefined();
  expect(reader.now(2)).toEqual(new Uint8Array([2, 3]));
  expect(reader.now(1)).toBeUndefined();
  expect(await reader.take(5)).toEqual(new Uint8Array([4, 5]));
  expect(await reader.some(1)).toEqual(new Uint8Array(0));
  expect(reader.now(1)).toBeUndefined();
  expect(await reader.some(1)).toEqual(new Uint8Array(0));
});
