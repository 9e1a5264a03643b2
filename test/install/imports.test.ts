import { expect, test } from "bun:test";

import { findExport, parseSpecifier } from "#install/imports.ts";

test.each([
  ["left", "left", "."],
  ["left/a/b", "left", "./a/b"],
  ["@ada/greet", "@ada/greet", "."],
  ["@ada/greet/x.ts", "@ada/greet", "./x.ts"],
])("%s is %s at %s", (specifier, name, subpath) => {
  expect(parseSpecifier(specifier)).toEqual({ name, subpath });
});

test.each(["./left", "../left", "/left", "@ada", "node:fs", "bun:sqlite", ""])(
  "%p names no package",
  (specifier) => {
    expect(parseSpecifier(specifier)).toBeUndefined();
  },
);

test.each([
  ["./a.ts", ".", "./a.ts"],
  ["./a.ts", "./b", undefined],
  [{ ".": "./a.ts", "./b": { browser: "./c.js", import: "./b.ts" } }, "./b", "./b.ts"],
  [{ import: "./a.mjs", default: "./a.cjs" }, ".", "./a.mjs"],
  [{ require: "./a.cjs", default: "./d.js" }, ".", "./d.js"],
  [{ require: "./a.cjs" }, ".", undefined],
  [{ "./*": "./src/*.ts", "./deep/*": "./other/*.ts" }, "./deep/x", "./other/x.ts"],
  [{ "./*.js": "./src/*.js" }, "./a/b.js", "./src/a/b.js"],
  [{ "./*": "./src/*.ts", "./private/*": null }, "./private/x", undefined],
  [{ ".": ["./no-such-form", "./a.ts"] }, ".", "./no-such-form"],
  [{ ".": "../../etc/passwd" }, ".", undefined],
  [{ "./*": "./*" }, "./../../etc/passwd", undefined],
  ["/etc/passwd", ".", undefined],
  [42, ".", undefined],
])("%j at %s gives %s", (exports, subpath, target) => {
  expect(findExport(exports, subpath)).toBe(target);
});
