import { expect, test } from "bun:test";

import { readSiteRules, resolve } from "#sites/rules/resolve.ts";

/** Ways to write "one folder up, and then etc/passwd", and kin. */
const PATHS = [
  "/../etc/passwd",
  "/a/../../etc/passwd",
  "/%2e%2e/etc/passwd",
  "/%2E%2E/etc/passwd",
  "/.%2e/etc/passwd",
  "/%2e./etc/passwd",
  "/..%2fetc/passwd",
  "/..%2Fetc%2Fpasswd",
  "/%2e%2e%2fetc%2fpasswd",
  "/..\\etc\\passwd",
  "/..%5cetc%5cpasswd",
  "/%2e%2e%5Cetc%5Cpasswd",
  "/%252e%252e/etc/passwd",
  "/%252e%252e%252fetc%252fpasswd",
  "/..%252fetc/passwd",
  "/..%255cetc/passwd",
  "/%25252e%25252e/etc/passwd",
  "/%c0%ae%c0%ae/etc/passwd",
  "/..%c0%afetc/passwd",
  "/..%c1%9cetc/passwd",
  "/%e0%80%ae%e0%80%ae/etc/passwd",
  "/..%e0%80%afetc/passwd",
  "/%f0%80%80%ae%f0%80%80%ae/etc/passwd",
  "/%u002e%u002e/etc/passwd",
  "/..%u2215etc/passwd",
  "/%uff0e%uff0e/etc/passwd",
  "/%ef%bc%8e%ef%bc%8e/etc/passwd",
  "/\uFF0E\uFF0E/etc/passwd",
  "/..%ef%bc%8fetc/passwd",
  "/..;/etc/passwd",
  "/..%00/etc/passwd",
  "/%00../etc/passwd",
  "/etc/passwd%00.html",
  "/....//etc/passwd",
  "/..././etc/passwd",
  "/./etc/passwd",
  "/%2e/etc/passwd",
  "/a/..",
  "/a/%2e%2e",
  "/a/.",
  "//../etc/passwd",
  "///etc/passwd",
  "/%2f%2fetc/passwd",
  "/%5c%5chost%5cshare",
  "/C:/etc/passwd",
  "/C%3a%5cetc%5cpasswd",
  "/file:///etc/passwd",
  "/%0d%0a../etc/passwd",
  "/%09../etc/passwd",
  "/..%0a/etc/passwd",
  "/%",
  "/%2",
  "/%zz",
  "/%ff%fe",
  "/%ed%a0%80/etc/passwd",
  "../etc/passwd",
  "etc/passwd",
  "",
  "\\..\\etc\\passwd",
  `/${"%2e%2e/".repeat(2000)}etc/passwd`,
  `/${"a/".repeat(3000)}`,
];

const OUTSIDE = /(?:^|\/)\.{1,2}(?:\/|$)|^\/|\/\/|[\\\u0000-\u001f\u007f-\u009f]/;

for (const redirects of ["", "/a/* /:splat 200\n/* /files/:splat 200"]) {
  const { rules } = readSiteRules({ redirects });
  for (const path of PATHS)
    test(`${JSON.stringify(path.slice(0, 60))}${redirects && " with rewrites"} reaches nothing`, () => {
      const asked: string[] = [];
      const has = (file: string) => {
        asked.push(file);
        return OUTSIDE.test(file);
      };
      const answer = resolve(rules, has, { path, query: "", host: "h", scheme: "http" });
      expect(["missing", "malformed"]).toContain(answer.kind);
      expect(asked.filter((file) => OUTSIDE.test(file))).toEqual([]);
    });
}

test("what was encoded twice is decoded once", () => {
  const { rules } = readSiteRules({});
  const has = (file: string) => file === "%2e%2e";
  const question = { query: "", host: "h", scheme: "http" as const };
  expect(resolve(rules, has, { ...question, path: "/%252e%252e" }).kind).toBe("file");
  expect(resolve(rules, has, { ...question, path: "/%2e%2e" }).kind).toBe("malformed");
});
