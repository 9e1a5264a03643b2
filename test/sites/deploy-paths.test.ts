import { expect, test } from "bun:test";

import { array, assert, constantFrom, oneof, property, string } from "fast-check";

import { parseFileList, problemOfDeployPath } from "#sites/deploys/deploy-paths.ts";
import { codeOf } from "#test/support/people.ts";

const FILE = { sha256: "0".repeat(64), size: 0 };

test.each([
  "",
  "/a",
  "a/",
  "a//b",
  ".",
  "..",
  "./a",
  "a/.",
  "a/..",
  "a/../b",
  "a\\b",
  "\\\\server\\share",
  "a\u0000b",
  "a\nb",
  "a\u007fb",
  "a\u0085b",
  "\ud800",
  "a\udc00b",
  "a\uFFFDb",
  ".land/x",
  ".land",
  "x".repeat(513),
  "é".repeat(257),
])("%j is no path of a deploy", async (path) => {
  expect(await codeOf(() => parseFileList({ [path]: FILE }))).toBe("deploy_path_invalid");
});

test.each([
  "index.html",
  ".well-known/acme-challenge/x",
  "a b/c&d?.html",
  "ümläut/日本/😀.txt",
  "...",
  "..a/b..",
  "%2e%2e/x",
  "c:/x",
  "con",
  "a/.land/x",
  ".landing/x",
  "_redirects",
  "__proto__/constructor",
  "x".repeat(512),
])("%j is a path of a deploy", (path) => {
  expect(parseFileList({ [path]: FILE })).toMatchObject([{ path }]);
});

test("paths come out in NFC; two that are one then, or a file that is a folder, are refused", async () => {
  expect(parseFileList({ "e\u0301.txt": FILE })).toMatchObject([{ path: "\u00e9.txt" }]);
  for (const paths of [
    ["e\u0301", "\u00e9"],
    ["a", "a/b"],
    ["a/b/c", "a/b"],
    ["a/b/c/d", "x", "a"],
  ])
    expect(
      await codeOf(() => parseFileList(Object.fromEntries(paths.map((path) => [path, FILE])))),
    ).toBe("deploy_path_invalid");
  expect(parseFileList({ "a-b": FILE, a: FILE, "a.b": FILE, A: FILE })).toHaveLength(4);
});

const segment = string({ unit: "binary", maxLength: 8 });
const odd = constantFrom("", ".", "..", ".land", "a", "\\", "\0", "é", "e\u0301", "\ud800");
const paths = array(oneof(segment, odd), { maxLength: 6 }).map((parts) => parts.join("/"));

test("whatever passes is relative, inside, clean and stays what it is", () => {
  assert(
    property(paths, (path) => {
      if (problemOfDeployPath(path) !== undefined) return;
      const segments = path.split("/");
      expect(segments.some((part) => part === "" || part === "." || part === "..")).toBe(false);
      expect(/[\\\u0000-\u001f\u007f-\u009f\ud800-\udfff]/u.test(path)).toBe(false);
      expect(new URL(`http://h/${segments.map(encodeURIComponent).join("/")}`).pathname).toBe(
        `/${segments.map(encodeURIComponent).join("/")}`,
      );
      expect(Buffer.from(path).toString()).toBe(path);
      const [file] = parseFileList({ [path]: FILE });
      expect(file?.path).toBe(path.normalize("NFC"));
    }),
    { numRuns: 3000 },
  );
});
