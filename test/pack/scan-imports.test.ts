import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { runWhole } from "#base/slices.ts";
import { sliceImports } from "#pack/scan-imports.ts";

const importsOf = (source: string) => runWhole(sliceImports(source));

const CASES: [source: string, imports: string[]][] = [
  ['import a from "a"; import * as b from \'b\'; import { c as d, e } from "c"', ["a", "b", "c"]],
  ['import a, { b } from "x"; import "y"; import z, * as w from "z"', ["x", "y", "z"]],
  ['import a from"x";import{b}from"y";import*as c from"z"', ["x", "y", "z"]],
  ['export * from "a"; export * as b from "b"; export { c } from "c"', ["a", "b", "c"]],
  ['export { default } from "a"; export { b }; const from = "no"; export default from', ["a"]],
  ['import type { A } from "a"; import type B from "b"; export type { C } from "c"', []],
  ['import type from "a"; import { type D, e } from "d"', ["a", "d"]],
  [
    'await import("a"); import(`b`); import(c); import("d", { with: {} }); import("e" + f)',
    ["a", "d"],
  ],
  ['const a = require("a"); x.require("b"); require(c); function require(d) {}', ["a"]],
  [
    'import j from "./j.json" with { type: "json" }; import m from "m" assert { type: "x" }',
    ["./j.json", "m"],
  ],
  ['import.meta.url; a.import("x"); const b = { import: 1, export: 2 }; "x"', []],
  ['// import "a"\n/* import "b" */ "import \'c\'"; `import "d"`; /import "e"/.test(f)', []],
  ['`${`${require("a")} import "b"`} }` ; import "c"', ["a", "c"]],
  ["const a = 1 / 2, b = '/'; import 'x'; c = d / e / 'import \"f\"'", ["x"]],
  ["return /[/\"']/.test(a); import 'x'", ["x"]],
  ["a = (b) / 2; c++ / 3; import 'x'; d = e[0] / f / g", ["x"]],
  ['export const a = "x"; export function from() {} export class B {} export async () => "y"', []],
  ['import "a', [""]],
];

test.each(CASES)("%s", (source, imports) => {
  if (imports[0] !== "") expect(importsOf(source)).toEqual(imports);
  else expect(importsOf(source)).toBeArray();
});

test("no source throws, and the time is linear", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => void importsOf(text)),
  );
  const words = [
    "import",
    "export",
    "from",
    "{",
    "}",
    "`",
    "${",
    "/",
    '"',
    "'",
    "*/",
    "/*",
    "(",
    "x",
    "\\",
    "type",
    "\n",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words)), (list) => void importsOf(list.join(" "))),
  );
  for (const piece of ["`${", "import ", '"\\', "/[", "/*", "{", "'a", "a/", "import{", "from "]) {
    const startedAt = performance.now();
    importsOf(piece.repeat(200_000));
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  }
});

test("others have their turn while a long source is read", () => {
  let turns = 0;
  for (const _ of sliceImports("a = 1;\n".repeat(100_000))) turns += 1;
  expect(turns).toBeGreaterThan(15);
});
