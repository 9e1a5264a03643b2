import { expect, test } from "bun:test";

import { findExport, findImport, parseSpecifier } from "#install/imports.ts";
import { temporaryFolder } from "#test/support/land.ts";

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

test.each(["", "{", "null", "[]", '"text"', "\uFEFF{}"])(
  "a package.json that is %j gives no file, and is no bug",
  async (text) => {
    await using folder = await temporaryFolder("imports");
    await Bun.write(`${folder.path}/left/package.json`, text);
    expect(await findImport(folder.path, "left")).toBeUndefined();
  },
);

test("an entry is found by exports, module, main or index, in this order", async () => {
  await using folder = await temporaryFolder("imports");
  const entryOf = async (fields: object): Promise<string | undefined> => {
    await Bun.write(`${folder.path}/left/package.json`, JSON.stringify(fields));
    return (await findImport(folder.path, "left"))?.slice(folder.path.length);
  };
  for (const name of ["a.ts", "b.ts", "c.ts", "index.ts"])
    await Bun.write(`${folder.path}/left/${name}`, "");
  const old = { main: "c", module: "./b.ts" };
  expect(await entryOf({ ...old, exports: "./a.ts" })).toBe("/left/a.ts");
  expect(await entryOf(old)).toBe("/left/b.ts");
  expect(await entryOf({ main: "c" })).toBe("/left/c.ts");
  expect(await entryOf({})).toBe("/left/index.ts");
});
