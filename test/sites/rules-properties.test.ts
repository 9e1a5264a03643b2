import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { readSiteRules, resolve } from "#sites/rules/resolve.ts";

const NAMES = [
  "index.html",
  "a.html",
  "a/index.html",
  "b",
  "b/c.html",
  "é",
  "x.html.html",
  "d/e/f.js",
];

const segment = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "c",
    "index",
    "index.html",
    "a.html",
    "..",
    ".",
    "",
    "%2e%2e",
    "%2f",
    "%5c",
    "\\",
  ),
  fc.constantFrom(
    "evil.com",
    ":p",
    ":splat",
    "*",
    "%0d%0a",
    "%00",
    "é",
    "e%CC%81",
    "%C3%A9",
    "\u{1F600}",
    "\uD800",
  ),
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.webPath().map((path) => path.slice(1)),
);
const path = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join("/")}`);
const query = fc.oneof(
  fc.constantFrom("", "p=/x", "p=//evil.com&q", "p=%0d%0a"),
  fc.string({ unit: "binary" }),
);
const word = fc.oneof(
  path,
  fc.constantFrom(
    "http://h/*",
    "https://:p.e.com/:splat",
    "https://e.com/:splat",
    "p=:p",
    "q=",
    "//:splat",
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const line = fc
  .tuple(
    fc.oneof(path, fc.constantFrom("/*", "/:p/*", "/:p", "/a/*")),
    word,
    fc.constantFrom("", "/:splat", "/:p", "/:p/:splat", "https://e.com/:splat"),
    fc.constantFrom("", "301!", "302", "200", "200!", "404"),
    fc.constantFrom("", "Country=de", "Cookie=c", "Language=en", "# x"),
  )
  .map((words) => words.filter((text) => text !== "").join(" "));
const redirects = fc.array(line, { maxLength: 8 }).map((lines) => lines.join("\n"));

test("every question about every site has an answer that can be sent", () => {
  fc.assert(
    fc.property(
      fc.subarray(NAMES),
      redirects,
      fc.string({ unit: "binary" }),
      fc.array(fc.tuple(path, query), { minLength: 1, maxLength: 10 }),
      (names, rulesText, headers, questions) => {
        const { rules } = readSiteRules({ redirects: rulesText, headers });
        const files = new Set(names.map((name) => name.normalize("NFC")));
        for (const [asked, search] of questions) {
          const answer = resolve(rules, (file) => files.has(file), {
            path: asked,
            query: search,
            host: "h",
            scheme: "http",
            country: "DE",
            cookies: new Set(["c"]),
          });
          if (answer.kind === "file") expect(files.has(answer.path)).toBe(true);
          if (answer.kind === "missing" && answer.page !== undefined)
            expect(files.has(answer.page)).toBe(true);
          if (answer.kind === "redirect") {
            expect(answer.location).toMatch(/^[\u0021-\u007e]+$/);
            expect(answer.location).toMatch(/^(?:\/(?![/\\])|https?:\/\/[\w.-])/);
            expect(URL.canParse(answer.location, "http://h/")).toBe(true);
          }
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test("a path of this site leads to this site", () => {
  const own = readSiteRules({
    redirects: "/s/* /:splat\n/p/:p /:p\n/q p=:p /:p\n/two/:a/* /:a/:splat 302!\n/x/* /:splat/y",
  }).rules;
  const start = fc.constantFrom("", "/s", "/p", "/q", "/two", "/x");
  fc.assert(
    fc.property(start, path, query, (prefix, rest, search) => {
      const answer = resolve(own, (file) => file.endsWith(".html"), {
        path: prefix + rest,
        query: search,
        host: "h",
        scheme: "http",
      });
      if (answer.kind === "redirect")
        expect(URL.parse(answer.location, "http://h/")?.origin).toBe("http://h");
    }),
    { numRuns: 3000 },
  );
});

test("a page that leads elsewhere leads to a page", () => {
  fc.assert(
    fc.property(
      fc.subarray([...NAMES, "a", "b.html", "a/index/index.html"]),
      path,
      (names, asked) => {
        const { rules } = readSiteRules({});
        const files = new Set(names);
        let url = asked;
        for (let hop = 0; hop < 4; hop += 1) {
          const answer = resolve(rules, (file) => files.has(file), {
            path: url,
            query: "",
            host: "h",
            scheme: "http",
          });
          if (answer.kind !== "redirect") {
            expect(hop === 0 || answer.kind === "file").toBe(true);
            return;
          }
          url = answer.location;
        }
        throw new Error(`${asked} goes on and on to ${url}`);
      },
    ),
    { numRuns: 2000 },
  );
});
