import { describe, expect, test } from "bun:test";

import { findPage } from "#sites/rules/clean-urls.ts";

import { inWords, siteOf } from "./rules.ts";

describe("Cloudflare's auto-trailing-slash table", () => {
  const site = siteOf(["file.html", "folder/index.html"]);
  test.each([
    ["/file", "200 file.html"],
    ["/file.html", "307 /file"],
    ["/file/", "307 /file"],
    ["/file/index", "307 /file"],
    ["/file/index.html", "307 /file"],
    ["/folder", "307 /folder/"],
    ["/folder.html", "307 /folder"],
    ["/folder/", "200 folder/index.html"],
    ["/folder/index", "307 /folder"],
    ["/folder/index.html", "307 /folder"],
  ])("%s answers %s", (path, answer) => {
    expect(inWords(site.ask(path))).toBe(answer);
  });
});

describe("beside the table", () => {
  const site = siteOf([
    "index.html",
    "both.html",
    "both/index.html",
    "plain",
    "plain.html",
    "app.js",
    "image.svg.html",
    "deep/index/index.html",
    "twice.html.html",
    "naïve page.html",
    "a?b.txt",
    "UPPER.txt",
  ]);
  test.each([
    ["/", "200 index.html"],
    ["/index", "307 /"],
    ["/index.html", "307 /"],
    ["/index.html?a=1&b=%20", "307 /?a=1&b=%20"],
    // A page and a folder of one name: each keeps an address of its own.
    ["/both", "200 both.html"],
    ["/both/", "200 both/index.html"],
    ["/both.html", "307 /both"],
    ["/both/index.html", "307 /both/"],
    // A file without extension is where its page would be.
    ["/plain", "200 plain"],
    ["/plain.html", "200 plain.html"],
    ["/plain/", "404"],
    ["/app.js", "200 app.js"],
    ["/app.js/", "404"],
    ["/image.svg", "200 image.svg.html"],
    ["/deep/index/", "200 deep/index/index.html"],
    ["/deep/index", "307 /deep/index/"],
    ["/twice.html", "200 twice.html.html"],
    ["/twice.html.html", "200 twice.html.html"],
    ["/na%C3%AFve%20page", "200 naïve page.html"],
    ["/na%C3%AFve%20page.html", "307 /na%C3%AFve%20page"],
    // NFD as macOS writes it.
    ["/nai%CC%88ve%20page", "200 naïve page.html"],
    ["/a%3Fb.txt", "200 a?b.txt"],
    ["/upper.txt", "404"],
    // Empty segments are taken out by a redirect, so that each page has one address.
    ["//both", "307 /both"],
    ["/both//", "307 /both/"],
    ["//", "307 /"],
  ])("%s answers %s", (path, answer) => {
    expect(inWords(site.ask(path))).toBe(answer);
  });

  test("a name of many .html costs no more look-ups than one", () => {
    const name = (count: number) => `a${".html".repeat(count)}`;
    const held = new Set(Array.from({ length: 60 }, (_, count) => name(count)));
    const lookUps = (count: number) => {
      let asked = 0;
      const has = (file: string) => {
        asked += 1;
        return held.has(file);
      };
      expect(findPage(has, `/${name(count)}`)).toEqual({ kind: "file", path: name(count) });
      return asked;
    };
    expect(lookUps(50)).toBeLessThanOrEqual(lookUps(3));
    expect(lookUps(3)).toBeLessThan(10);
  });
});

describe("what is never served", () => {
  const site = siteOf([
    "_redirects",
    "_headers",
    "land.json",
    ".land/x",
    "docs/_headers",
    "404.html",
  ]);
  test.each(["/_redirects", "/_headers", "/land.json", "/.land/x", "/%5fredirects", "//_headers"])(
    "%s is missing",
    (path) => {
      expect(inWords(site.ask(path))).toBe("404 404.html");
    },
  );
  test("only the files at the top steer a deploy", () => {
    expect(inWords(site.ask("/docs/_headers"))).toBe("200 docs/_headers");
  });
  test("a rule cannot reach them either", () => {
    const ruled = siteOf(["_redirects"], { redirects: "/x /_redirects 200\n/* /:splat 200!" });
    expect(inWords(ruled.ask("/x"))).toBe("404");
    expect(inWords(ruled.ask("/_redirects"))).toBe("404");
  });
});

describe("fallbacks", () => {
  test("the nearest 404.html answers", () => {
    const site = siteOf(["404.html", "docs/404.html"]);
    expect(inWords(site.ask("/docs/a/b/c"))).toBe("404 docs/404.html");
    expect(inWords(site.ask("/docs/"))).toBe("404 docs/404.html");
    expect(inWords(site.ask("/docs"))).toBe("404 404.html");
    expect(inWords(siteOf([]).ask("/docs"))).toBe("404");
  });
  test("200.html answers everything that is not there, whatever its extension", () => {
    const site = siteOf(["200.html", "404.html", "app.js"]);
    expect(inWords(site.ask("/any/where"))).toBe("200 200.html");
    expect(inWords(site.ask("/gone.png"))).toBe("200 200.html");
    expect(inWords(site.ask("/app.js"))).toBe("200 app.js");
  });
  test("rules come before 200.html", () => {
    const site = siteOf(["200.html"], { redirects: "/old /new" });
    expect(inWords(site.ask("/old"))).toBe("301 /new");
  });
  test("the route is the decoded path that was asked for", () => {
    const site = siteOf(["é.html", "index.html"], { redirects: "/app/* /index.html 200" });
    expect(site.ask("/%C3%A9")).toMatchObject({ route: "/é" });
    expect(site.ask("/app/x%20y/")).toMatchObject({ route: "/app/x y/", path: "index.html" });
    expect(site.ask("/none")).toMatchObject({ kind: "missing", route: "/none" });
  });
});
