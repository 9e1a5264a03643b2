import { describe, expect, test } from "bun:test";

import { decodePath } from "#sites/rules/clean-urls.ts";
import { readHeaders } from "#sites/rules/headers-parse.ts";
import { compileHeaderPattern, matchesHeaders, type Steps } from "#sites/rules/headers-pattern.ts";
import { compileRedirects, rulesFor } from "#sites/rules/redirects-index.ts";
import { readRedirects } from "#sites/rules/redirects-parse.ts";

import { inWords, siteOf } from "./rules.ts";

/** How many characters are looked at to find that `pattern` does not match. */
function stepsOf(pattern: string, path: string): number {
  const compiled = compileHeaderPattern(pattern);
  if (typeof compiled === "string") throw new Error(compiled);
  const steps: Steps = { count: 0 };
  expect(matchesHeaders(compiled, path, steps)).toBe(false);
  return steps.count;
}

describe("patterns that make a backtracking matcher run for ever", () => {
  test.each<[name: string, pattern: (size: number) => string, path: (size: number) => string]>([
    ["/*a*a*a…*b", (size) => `/${"*a".repeat(size)}*b`, (size) => `/${"a".repeat(4 * size)}`],
    ["/*/*/*…/x", (size) => `${"/*".repeat(size)}/x`, (size) => "/a".repeat(4 * size)],
    ["/*aaa…ab*", (size) => `/*${"a".repeat(size)}b*x`, (size) => `/${"a".repeat(4 * size)}`],
    ["/:a/:b/…*x", (size) => `${"/:p".repeat(size)}/*x`, (size) => "/a".repeat(4 * size)],
    ["/*x/:a/:b/…", (size) => `/*x${"/:p".repeat(size)}`, (size) => "/a".repeat(4 * size)],
    ["/*ab*ab*…c", (size) => `/${"*ab".repeat(size)}*c`, (size) => `/${"ab".repeat(2 * size)}`],
  ])("%s costs twice as much for twice the size", (_, pattern, path) => {
    const small = stepsOf(pattern(100), path(100));
    const large = stepsOf(pattern(200), path(200));
    expect(large).toBeLessThanOrEqual(2 * small + 16);
    expect(large).toBeLessThanOrEqual(3 * (path(200).length + pattern(200).length));
  });

  test("paths with several wildcards are few", () => {
    const file = Array.from({ length: 150 }, (_, index) => `/*a${index}*b*c\n  X: ${index}`).join(
      "\n",
    );
    const { rules, warnings } = readHeaders(file);
    expect(rules.wild).toHaveLength(100);
    expect(warnings).toHaveLength(50);
  });
  test("paths with wildcards are a thousand", () => {
    const file = Array.from({ length: 1500 }, (_, index) => `/${index}/*\n  X: ${index}`).join(
      "\n",
    );
    const { rules, warnings } = readHeaders(file);
    expect(rules.wild).toHaveLength(1000);
    expect(warnings.at(-1)).toBe("_headers: and 400 more lines are not obeyed");
  });
});

describe("45,000 redirects", () => {
  const file = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const to = `/base/another-${index}`;
      if (index % 50 === 1) return `/section-${index}/:name ${to}/:name`;
      if (index % 50 === 2) return `/tree-${index}/* ${to}/:splat`;
      if (index % 50 === 3) return `/item id=${index} ${to}`;
      return `/base/some-${index} ${to}`;
    }).join("\n");

  /** How many rules are looked at for a path. */
  function candidates(count: number, path: string, pairs: string[] = []): number {
    const { rules, warnings } = readRedirects(file(count));
    const { index, warnings: more } = compileRedirects(rules);
    expect([...warnings, ...more]).toEqual([]);
    const asked = decodePath(path);
    if (asked === undefined) throw new Error("malformed");
    return [...rulesFor(index, "https://h", asked, pairs)].flat().length;
  }

  test("each is found", () => {
    const site = siteOf([], { redirects: file(45_000) });
    expect(site.warnings).toEqual([]);
    const ask = (url: string) => inWords(site.ask(url));
    expect(ask("/base/some-44999")).toBe("301 /base/another-44999");
    expect(ask("/section-44951/x")).toBe("301 /base/another-44951/x");
    expect(ask("/tree-44952/x/y")).toBe("301 /base/another-44952/x/y");
    expect(ask("/item?id=44953")).toBe("301 /base/another-44953");
    expect(ask("/base/none")).toBe("404");
  });

  test("of many no more are looked at than of few", () => {
    for (const count of [450, 45_000]) {
      expect(candidates(count, "/base/some-444")).toBe(1);
      expect(candidates(count, "/section-401/x")).toBe(1);
      expect(candidates(count, "/tree-402/x/y/z")).toBe(1);
      expect(candidates(count, "/item", ["id=403"])).toBe(1);
      expect(candidates(count, "/base/none")).toBe(0);
    }
  });

  test("rules that all match one path are bounded", () => {
    const alike = Array.from({ length: 2000 }, (_, index) => `/ /${index} 301 Cookie=c${index}`);
    const masks = Array.from({ length: 1000 }, (_, mask) => {
      const bits = mask.toString(2).padStart(10, "0");
      return `/${bits
        .split("")
        .map((bit) => (bit === "1" ? ":p" : "a"))
        .join("/")} /to 301 Cookie=none`;
    });
    const site = siteOf([], { redirects: [...alike, ...masks].join("\n") });
    expect(site.warnings.join("\n")).toContain("more than 500 rules have this path");
    expect(site.warnings.at(-1)).toMatch(/^_redirects: and \d+ more lines are not obeyed$/);
    const { rules } = readRedirects([...alike, ...masks].join("\n"));
    const { index, warnings } = compileRedirects(rules);
    expect(warnings).toHaveLength(101);
    const at = (path: string) => {
      const asked = decodePath(path);
      return asked ? [...rulesFor(index, "https://h", asked, [])].flat().length : -1;
    };
    expect(at("/")).toBe(500);
    expect(at("/a".repeat(10))).toBeLessThanOrEqual(201);
  });
});
