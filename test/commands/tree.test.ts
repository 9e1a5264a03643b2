import { expect, test } from "bun:test";

import { parseExactSpec, parseSpec } from "#commands/spec.ts";
import { renderTree } from "#commands/tree.ts";

test("the tree marks what comes again and what needs itself", () => {
  const needs = { left: ["pad", "right"], right: ["left", "pad"], pad: [], app: ["left"] };
  const packages = new Map(
    Object.entries(needs).map(([name, dependencies]) => [
      name,
      { name, version: "1.0.0", dependencies },
    ]),
  );
  expect(renderTree("demo 0.1.0", ["left", "right", "gone", "app"], packages))
    .toMatchInlineSnapshot(`
    "demo 0.1.0
    ├── left 1.0.0
    │   ├── pad 1.0.0
    │   └── right 1.0.0
    │       ├── left 1.0.0 (cycle)
    │       └── pad 1.0.0
    ├── right 1.0.0 (see above)
    └── app 1.0.0
        └── left 1.0.0 (see above)"
  `);
});

test.each([
  ["left", "left", undefined],
  ["left@", "left", undefined],
  ["left@^1.2.0", "left", "^1.2.0"],
  ["@ada/greet", "@ada/greet", undefined],
  ["@ada/greet@beta", "@ada/greet", "beta"],
])("%s is parted into name and range", (text, name, wanted) => {
  const spec: unknown = parseSpec(text);
  expect(spec).toEqual({ name, wanted });
});

test.each(["@", "@ada", "Left", "left/../x", ""])("%j is no package", (text) => {
  expect(() => parseSpec(text)).toThrow(/Cannot use/);
});

test("a version that must be exact is", () => {
  const spec: unknown = parseExactSpec("left@1.2.3");
  expect(spec).toEqual({ name: "left", version: "1.2.3" });
  expect(() => parseExactSpec("left@^1.2.3")).toThrow(/Cannot use/);
  expect(() => parseExactSpec("left")).toThrow("Cannot tell which version");
});
