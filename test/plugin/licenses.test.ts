import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { problemOfLicense, readPolicy } from "#plugins/license-policy.ts";
import {
  type Expression,
  isMet,
  licenseOf,
  parseExpression,
  renderExpression,
} from "#plugins/spdx.ts";

describe("license expressions", () => {
  test.each([
    ["MIT", "MIT"],
    ["mit", "MIT"],
    ["Apache-2.0 OR MIT", "Apache-2.0 OR MIT"],
    ["((MIT))", "MIT"],
    ["(MIT OR Apache-2.0) AND BSD-3-Clause", "(MIT OR Apache-2.0) AND BSD-3-Clause"],
    ["MIT OR Apache-2.0 AND ISC", "MIT OR Apache-2.0 AND ISC"],
    ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"],
    ["MPL-1.1+", "MPL-1.1+"],
    ["gpl-2.0+", "GPL-2.0+"],
    ["LicenseRef-Ours and mit", "LicenseRef-Ours AND MIT"],
  ])("%s", (text, written) => {
    const expression = parseExpression(text);
    expect(expression && renderExpression(expression)).toBe(written);
  });

  test.each([
    "",
    "(",
    "()",
    "MIT OR",
    "OR MIT",
    "MIT Apache-2.0",
    "(MIT",
    "MIT)",
    "MIT WITH",
    "(MIT OR ISC) WITH Classpath-exception-2.0",
    "UNLICENSED",
    "SEE LICENSE IN LICENSE.txt",
    "MIT And ISC",
    "(".repeat(2000),
  ])("%p is none", (text) => expect(parseExpression(text)).toBeUndefined());

  const license = fc
    .record({
      id: fc.constantFrom("MIT", "ISC", "Apache-2.0", "GPL-3.0-only", "LicenseRef-x"),
      exception: fc.option(fc.constant("Classpath-exception-2.0"), { nil: undefined }),
    })
    .map(({ id, exception }): Expression => {
      const whole: Expression = { kind: "license", id, plus: false };
      return exception === undefined ? whole : Object.assign(whole, { exception });
    });
  const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      license,
      fc.record({ kind: fc.constantFrom("and", "or"), left: tie("tree"), right: tie("tree") }),
    ),
  }));

  test("what is written out reads as the same, and means the same", () => {
    fc.assert(
      fc.property(tree, fc.func(fc.boolean()), (expression, taken) => {
        const text = renderExpression(expression);
        const again = parseExpression(text);
        expect(again && renderExpression(again)).toBe(text);
        const accepts = (one: Expression): boolean => taken(renderExpression(one));
        expect(again && isMet(again, accepts)).toBe(isMet(expression, accepts));
      }),
    );
  });

  test("no text makes it throw", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("(", ")", "AND", "OR", "WITH", "MIT", "+", "x", "ISC+", " ")),
        (words) => void parseExpression(words.join(" ")),
      ),
    );
  });
});

test.each([
  [{ license: "MIT" }, "MIT"],
  [{ license: " " }, undefined],
  [{ license: { type: "MIT", url: "x" } }, "MIT"],
  [{ licenses: [{ type: "MIT" }, { type: "ISC" }] }, "(MIT OR ISC)"],
  [{ license: 7 }, undefined],
  [{}, undefined],
  [undefined, undefined],
])("the license of %j", (manifest, license) => expect(licenseOf(manifest)).toBe(license));

describe("a policy", () => {
  const left = { name: "left", version: "1.0.0" };
  const judge = (settings: object, license?: string) =>
    problemOfLicense(readPolicy({ ...settings }), left, license);

  test.each([
    [{ allow: ["MIT"] }, "MIT", true],
    [{ allow: ["mit"] }, "MIT", true],
    [{ allow: ["MIT"] }, "ISC", false],
    [{ allow: ["MIT"] }, "MIT OR ISC", true],
    [{ allow: ["MIT"] }, "MIT AND ISC", false],
    [{ allow: ["MIT", "ISC"] }, "MIT AND ISC", true],
    [{ allow: ["MIT"] }, undefined, false],
    [{ deny: ["GPL-3.0-only"] }, undefined, true],
    [{ deny: ["UNKNOWN"] }, undefined, false],
    [{ deny: ["GPL-3.0-only"] }, "MIT OR GPL-3.0-only", true],
    [{ deny: ["GPL-3.0-only"] }, "MIT AND GPL-3.0-only", false],
    [{ allow: ["MIT"], deny: ["MIT"] }, "MIT", false],
    [{ deny: ["GPL-2.0-only"] }, "GPL-2.0-only WITH Classpath-exception-2.0", false],
    [
      { deny: ["GPL-2.0-only"], allow: ["GPL-2.0-only WITH Classpath-exception-2.0"] },
      "GPL-2.0-only WITH Classpath-exception-2.0",
      true,
    ],
    [{ allow: ["GPL-2.0-only"] }, "GPL-2.0-only WITH Classpath-exception-2.0", true],
    [{ allow: ["MPL-1.1"] }, "MPL-1.1+", true],
    [{ deny: ["MPL-1.1"] }, "MPL-1.1+", false],
    [{ allow: ["UNLICENSED"] }, "UNLICENSED", true],
    [{ allow: ["MIT"], exceptions: { left: "ours" } }, "ISC", true],
    [{ allow: ["MIT"], exceptions: { "left@1.0.0": "ours" } }, "ISC", true],
    [{ allow: ["MIT"], exceptions: { "left@2.0.0": "ours" } }, "ISC", false],
    [{}, undefined, true],
  ])("%j takes %s: %p", (settings, license, taken) => {
    expect(judge(settings, license) === undefined).toBe(taken);
  });

  test.each([
    [{ allow: "MIT" }, "allow"],
    [{ deny: [1] }, "deny"],
    [{ exceptions: { left: "" } }, "no reason"],
    [{ exceptions: [] }, "exceptions"],
    [{ enforce: "yes" }, "enforce"],
  ])("%j is none", (settings, problem) => expect(() => judge(settings)).toThrow(problem));
});
