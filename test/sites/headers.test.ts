import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { readHeaders } from "#sites/rules/headers-parse.ts";
import { compileHeaderPattern, matchesHeaders } from "#sites/rules/headers-pattern.ts";
import { headersFor } from "#sites/rules/headers.ts";
import { readSiteRules } from "#sites/rules/resolve.ts";

function sent(headers: string, path: string, host?: string): string[] {
  const { rules, warnings } = readSiteRules({ headers });
  expect(warnings).toEqual([]);
  return headersFor(rules, path, host).map(([name, value]) => `${name}: ${value}`);
}

function matches(pattern: string, path: string): boolean {
  const compiled = compileHeaderPattern(pattern);
  if (typeof compiled === "string") throw new Error(compiled);
  return matchesHeaders(compiled, path.toLowerCase());
}

/** The regular expression that a path line stands for with Netlify. Only here: it can be made to run for ever. */
function expressionOf(pattern: string): RegExp {
  const parts = pattern
    .split("/")
    .map((part) => part.trimEnd())
    .filter((part) => part !== "");
  const source = parts.map((part) => {
    if (part === "*") return "?(.*)";
    if (part.startsWith(":")) return "([^/]+)";
    return part
      .split("*")
      .map((text) => text.replace(/[^\w\s]/g, String.raw`\$&`))
      .join("(.*)");
  });
  return new RegExp(`^/${source.join("/")}/?$`, "is");
}

describe("path lines", () => {
  test.each<[pattern: string, yes: string[], no: string[]]>([
    // Without wildcards: case, the slash at the end, empty segments and white space at their end do not matter.
    ["/Docs", ["/docs", "/DOCS/"], ["/", "/docs2", "/docs/x"]],
    ["/docs/intro/", ["/docs/intro", "/docs/intro/"], ["/docs", "/docs/intro/x"]],
    ["///docs///intro", ["/docs/intro"], ["/docs//intro"]],
    ["/docs /intro\t", ["/docs/intro"], ["/docs /intro"]],
    ["/ docs", ["/ docs"], ["/docs"]],
    ["docs", ["/docs", "/docs/"], ["docs"]],
    ["/", ["/"], ["/docs"]],
    [" / / ", ["/"], ["/docs"]],
    ["", ["/"], ["/docs"]],
    // A placeholder is one whole segment.
    ["/:year/news", ["/2024/news", "/x y/news/"], ["/news", "/2024/05/news", "/2024/news/x"]],
    ["/user/:id.json", ["/user/7", "/user/7.xml"], ["/user", "/user/7/8"]],
    ["/time:now", ["/time:now"], ["/timex"]],
    // A wildcard of its own takes the slash before it, so that it also matches nothing, and the same text going on.
    ["/docs/*", ["/docs", "/docs/", "/docs/a/b", "/docs2"], ["/", "/doc"]],
    ["/*", ["/", "/x", "/x/y/"], []],
    ["*", ["/", "/x", "/x/y/"], []],
    ["/*/edit", ["/edit", "/x/edit", "/x/y/edit/"], ["/", "/xedit", "/edit/x"]],
    ["/docs/*/raw", ["/docs/raw", "/docs/x/raw", "/docs/x/y/raw/"], ["/docsraw", "/docs/x"]],
    ["/docs/*/*", ["/docs", "/docs/x", "/docs/x/y/z"], ["/x/docs"]],
    // Within a segment it takes anything, slashes too.
    [
      "/img*large",
      ["/imglarge", "/img-large", "/img/x/large/"],
      ["/img", "/largeimg", "/img-large2"],
    ],
    ["/*.css", ["/x.css", "/x/y.CSS", "/.css"], ["/x.css.map", "/xcss"]],
    ["/aba*ba", ["/ababa", "/abaxba"], ["/aba"]],
    ["/*key*lock", ["/keylock", "/xkeyxlock"], ["/lockkey", "/lock"]],
    ["/:q/x*y/:r", ["/q/xy/z", "/q/x/w/y/z/"], ["/q/xy", "/q/xy/", "/xy/z"]],
    // Everything else stands for itself.
    ["/v1.0", ["/v1.0"], ["/v1x0"]],
    ["/(x|y)+[z]$", ["/(x|y)+[z]$"], ["/x", "/xz"]],
  ])("%j", (pattern, yes, no) => {
    for (const path of yes) expect([path, matches(pattern, path)]).toEqual([path, true]);
    for (const path of no) expect([path, matches(pattern, path)]).toEqual([path, false]);
    for (const path of [...yes, ...no])
      expect([path, expressionOf(pattern).test(path)]).toEqual([path, yes.includes(path)]);
  });

  test("agree with the regular expression that they stand for", () => {
    const piece = fc.constantFrom("/", "/", "a", "b", "*", "*", "/:x", "/*", "ab", ".");
    const pattern = fc.array(piece, { maxLength: 9 }).map((pieces) => `/${pieces.join("")}`);
    const path = fc
      .array(fc.constantFrom("/", "a", "b", "ab", "."), { maxLength: 10 })
      .map((pieces) => `/${pieces.join("")}`);
    fc.assert(
      fc.property(pattern, fc.array(path, { minLength: 1, maxLength: 20 }), (text, paths) => {
        const compiled = compileHeaderPattern(text);
        fc.pre(typeof compiled !== "string");
        const expression = expressionOf(text);
        for (const one of paths)
          expect([text, one, matchesHeaders(compiled, one)]).toEqual([
            text,
            one,
            expression.test(one),
          ]);
      }),
      { numRuns: 2000 },
    );
  });

  test("a placeholder between two wildcards is refused in words", () => {
    const { rules, warnings } = readHeaders("/*/:a/*\n  X: 1");
    expect(rules.wild).toEqual([]);
    expect(warnings).toEqual(['_headers line 1: a placeholder between two "*" is not supported']);
  });
});

describe("grammar", () => {
  test.each<[name: string, file: string, headers: string[]]>([
    ["nothing", "", []],
    ["a path alone", "/p", []],
    ["one header", "/p\n  X-Robots-Tag: noindex", ["X-Robots-Tag: noindex"]],
    ["without indentation", "/p\nX-Robots-Tag: noindex", ["X-Robots-Tag: noindex"]],
    ["the path indented", "\t /p  \n  X-Robots-Tag: noindex", ["X-Robots-Tag: noindex"]],
    ["gaps and comments", "#\n/p\n\n  # X: no\n  A: 1\n\n  B: 2\n", ["A: 1", "B: 2"]],
    ["a line without a colon", "/p\n  nonsense\n  A: 1", ["A: 1"]],
    ["white space about the colon", "/p\n  A\t :\t  1  \r", ["A: 1"]],
    [
      "a colon in the value",
      "/p\n  Link: <https://a.example/>; rel=x",
      ["Link: <https://a.example/>; rel=x"],
    ],
    [
      "values of one header are joined",
      "/p\n  Vary: Origin\n  vary: Cookie",
      ["Vary: Origin, Cookie"],
    ],
    [
      "commas are tidied",
      "/p\n  Cache-Control: max-age=0 ,no-cache,  public",
      ["Cache-Control: max-age=0, no-cache, public"],
    ],
    ["a later block replaces", "/p\n  Vary: Origin\n/p\n  vary: Cookie", ["vary: Cookie"]],
    ["blocks add up", "/*\n  A: 1\n/p\n  B: 2\n/:x\n  C: 3", ["A: 1", "B: 2", "C: 3"]],
    ["order is that of the file", "/p\n  A: exact\n/*\n  A: all", ["A: all"]],
    ["of identical blocks the last", "/*\n  A: 1\n/p\n  A: 2\n/*\n  A: 1", ["A: 1"]],
    [
      "cookies are not joined",
      "/p\n  Set-Cookie: a=1\n  Set-Cookie: b=2",
      ["Set-Cookie: a=1", "Set-Cookie: b=2"],
    ],
    [
      "a header is detached",
      "/*\n  X-Frame-Options: DENY\n/p\n  ! X-Frame-Options",
      ["X-Frame-Options: "],
    ],
    ["one that was never attached", "/p\n  ! X-Content-Type-Options", ["X-Content-Type-Options: "]],
    ["detached, then set again", "/*\n  ! A\n/p\n  A: 2", ["A: 2"]],
    ["another path", "/q\n  A: 1", []],
  ])("%s", (_, file, headers) => {
    expect(sent(file, "/p")).toEqual(headers);
    expect(sent(file, "/P/")).toEqual(headers);
  });

  test("addresses as paths hold for their host", () => {
    const file =
      "https://:deploy.example.com/*\n  X-Robots-Tag: noindex\nhttps://a.example.com/p\n  A: 1";
    expect(sent(file, "/p", "a.example.com")).toEqual(["X-Robots-Tag: noindex", "A: 1"]);
    expect(sent(file, "/p", "b.example.com")).toEqual(["X-Robots-Tag: noindex"]);
    expect(sent(file, "/p", "x.b.example.com")).toEqual([]);
    expect(sent(file, "/p")).toEqual([]);
  });

  test.each<[line: string, reason: RegExp]>([
    [": nameless", /has no name/],
    ["X-Empty:", /"X-Empty" has no value/],
    ["Te st: x", /is no header name/],
    ["Tést: x", /is no header name/],
    ["Basic-Auth: ada:secret", /`land sites protect`/],
    ["Content-Length: 5", /set by the server alone/],
    ["transfer-encoding: chunked", /set by the server alone/],
    ["Connection: close", /set by the server alone/],
    ["Host: evil.example", /set by the server alone/],
    ["Date: now", /set by the server alone/],
    ["Content-Encoding: br", /set by the server alone/],
    ["Trailer: X", /set by the server alone/],
    ["Upgrade: h2c", /set by the server alone/],
    ["Content-Range: bytes 0-1/2", /set by the server alone/],
    ["Accept-Ranges: none", /set by the server alone/],
    ["ETag: x", /set by the server alone/],
    ["X-Accel-Redirect: /internal/secret", /an order to a proxy/],
    ["x-accel-expires: 60", /an order to a proxy/],
    ["X-Sendfile: /etc/passwd", /an order to a proxy/],
    ["X-LIGHTTPD-send-file: /etc/passwd", /an order to a proxy/],
    ["! Content-Length", /set by the server alone/],
    ["Set-Cookie: a=b; Path=/; DOMAIN = .example.com", /must not name a Domain/],
    ['Clear-Site-Data: "cache", "cookies"', /must not clear cookies/],
    ['Clear-Site-Data: "*"', /must not clear cookies/],
    ["X: a\u0000b", /no header may have/],
    ["X: a\rb", /no header may have/],
    ["X: \u2713", /no header may have/],
  ])("%j is left out with its reason", (line, reason) => {
    const { rules, warnings } = readSiteRules({ headers: `/p\n  ${line}\n  Fine: yes` });
    expect(warnings).toEqual([expect.stringMatching(reason)]);
    expect(warnings[0]).toStartWith("_headers line 2: ");
    expect(headersFor(rules, "/p")).toEqual([["Fine", "yes"]]);
  });

  test("a header before any path is left out", () => {
    const { warnings } = readHeaders("  Early: yes\n/p");
    expect(warnings).toEqual(['_headers line 1: a path must come before the header "Early"']);
  });
});

test("whatever the file holds, what is sent can stand in an answer", () => {
  const line = fc.oneof(
    fc.constantFrom("/*", "/p", "/:x", "  ! X", "# c", "https://h/*"),
    fc
      .tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }))
      .map((pair) => pair.join(":")),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const { rules } = readSiteRules({ headers: lines.join("\n") });
      for (const [name, value] of headersFor(rules, "/p", "h")) new Headers().set(name, value);
    }),
    { numRuns: 1000 },
  );
});
