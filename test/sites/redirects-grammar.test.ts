import { describe, expect, test } from "bun:test";

import { readRedirects } from "#sites/rules/redirects-parse.ts";

import { inWords, siteOf } from "./rules.ts";

/** What a file says when it is asked for one address. */
describe("lines that are obeyed", () => {
  test.each<[name: string, redirects: string, url: string, answer: string]>([
    ["a path to a path", "/old /new", "/old", "301 /new"],
    ["any white space between words", "/old\t \t/new   302", "/old", "302 /new"],
    ["white space around", "   /old /new  \r\n", "/old", "301 /new"],
    ["a byte order mark", "\uFEFF/old /new", "/old", "301 /new"],
    ["empty lines between", "\n\n/a /b\n\n/old /new\n", "/old", "301 /new"],
    ["comment lines", "# /old /no\n  # indented\n/old /new", "/old", "301 /new"],
    ["a comment at the end", "/old /new 302 # since 2019", "/old", "302 /new"],
    ["a comment without a space", "/old /new #302", "/old", "301 /new"],
    ["a fragment is no comment", "/old /new#part # but this is", "/old", "301 /new#part"],
    ["another site", "/old https://example.org/x?y#z", "/old", "301 https://example.org/x?y#z"],
    ["another site alone", "/old https://example.org", "/old", "301 https://example.org/"],
    ["every redirect status", "/old /new 308", "/old", "308 /new"],
    ["a splat", "/old/* /new/:splat", "/old/a/b", "301 /new/a/b"],
    ["a splat of nothing", "/old/* /new/:splat", "/old", "301 /new/"],
    ["a splat keeps the slash at the end", "/old/* /new/:splat", "/old/a/", "301 /new/a/"],
    [
      "a splat to another site",
      "/* https://example.org/:splat",
      "/a/b?c=d",
      "301 https://example.org/a/b?c=d",
    ],
    ["placeholders", "/n/:m/:d/:y /b/:y/:m/:d", "/n/02/12/2004", "301 /b/2004/02/12"],
    [
      "placeholders within a segment",
      "/n/:y/:m /b-:y-:m.html",
      "/n/2004/02",
      "301 /b-2004-02.html",
    ],
    ["a colon that is no placeholder", "/n/:y /t:z/:y", "/n/1", "301 /t:z/1"],
    ["a captured parameter", "/store id=:id /item/:id", "/store?id=7", "301 /item/7"],
    ["a parameter with a value", "/p page=news /news", "/p?page=news", "301 /news"],
    ["another value", "/p page=news /news", "/p?page=about", "404"],
    ["a parameter that is not there", "/p id=:id /x/:id", "/p?other=1", "404"],
    ["several parameters in any order", "/p a=:a b=:b /x/:b/:a", "/p?b=2&a=1", "301 /x/2/1"],
    ["a value that begins with a slash", "/go to=/shop /store", "/go?to=%2Fshop", "301 /store"],
    [
      "captures in the query",
      "/give s=:s /give/us?from=:s 302",
      "/give?s=a%26b",
      "302 /give/us?from=a%26b",
    ],
    ["a forward rule needs no destination", "/docs/* 200!", "/docs/a", "404"],
    ["of two rules the first", "/a /one\n/a /two", "/a", "301 /one"],
    ["of identical rules the last", "/a /one\n/* /all\n/a /one", "/a", "301 /all"],
    ["a slash at the end of the rule", "/old/ /new", "/old", "301 /new"],
    ["a slash at the end of the path", "/old /new", "/old/", "301 /new"],
    ["percent-encoding in the rule", "/caf%C3%A9 /coffee", "/café", "301 /coffee"],
    ["other letters in the rule", "/café /thé", "/caf%C3%A9", "301 /th%C3%A9"],
    ["case matters", "/Old /new", "/old", "404"],
    [
      "an international host",
      "/x https://bücher.example/a",
      "/x",
      "301 https://xn--bcher-kva.example/a",
    ],
  ])("%s", (_, redirects, url, answer) => {
    const site = siteOf([], { redirects });
    expect(inWords(site.ask(url))).toBe(answer);
    expect(site.warnings).toEqual([]);
  });
});

describe("lines that are not obeyed, each with its reason", () => {
  test.each<[line: string, reason: RegExp]>([
    ["/alone", /no destination/],
    ["/lonely # /in-a-comment", /no destination/],
    ["/page?x=1 301", /no destination/],
    ["/page 200", /no destination/],
    ["/page/* 301", /no destination/],
    ["/a b.html", /must begin with "\/", "http:\/\/" or "https:\/\/"/],
    ["/a key=value", /must begin with/],
    ["/a /b soon", /"soon" is no status/],
    ["/a /b 999", /status 999 is not supported/],
    ["/a /b 204", /status 204 is not supported/],
    ["/a /b -1", /not supported/],
    ["http:// /to", /no valid URL/],
    ["https://[x/* /to", /no valid URL/],
    ["old /new", /must begin with/],
    ["/.land/x /to", /must not begin with "\/\.land"/],
    ["/%2eland /to", /must not begin with "\/\.land"/],
    ["/.netlify/x /to", /must not begin with "\/\.netlify"/],
    ["http://example.com/.netlify/x /to", /must not begin/],
    ["/a?b=1 /to", /parameters are written after it/],
    ["/a/*.html /to", /stands alone and at the end/],
    ["/*/a /to", /stands alone and at the end/],
    ["/*a*a*a* /to", /stands alone and at the end/],
    ["/:a-b /to", /a placeholder is/],
    ["/a/../b /to", /no request can have/],
    ["/a%2fb /to", /no request can have/],
    ["/a%zz /to", /no request can have/],
    ["/api/* https://api.example.com/:splat 200", /passes requests on/],
    ["/api/* https://api.example.com/:splat 404!", /passes requests on/],
    ["/a/* /b 200 Role=admin", /by role/],
    ["/a /b 301 role=admin", /by role/],
    ["/a /b 200 Sign=SECRET", /signed requests/],
    ["/a /b 200 signed=SECRET", /signed requests/],
    ["/a /b 301 Weather=rain", /"Weather" is not known/],
    ["/a /b 301 Country", /"Country" has no value/],
    ["/a https://u:p@example.com/", /no valid URL/],
    ["/a https://exa mple.com/", /is no status/],
    [`/a /${"b".repeat(2000)}`, /longer than 2000 characters/],
    [
      `/a ${Array.from({ length: 21 }, (_, index) => `k${index}=v`).join(" ")} /b`,
      /more than 20 parameters/,
    ],
  ])("%s", (line, reason) => {
    const { rules, warnings } = readRedirects(`# first\n${line}\n/ok /fine`);
    expect(warnings).toEqual([expect.stringMatching(reason)]);
    expect(warnings[0]).toStartWith("_redirects line 2: ");
    expect(rules.map(({ line: number }) => number)).toEqual([3]);
  });

  test("a file over 5 MB is not read", () => {
    const { rules, warnings } = readRedirects("/a /b\n".repeat(900_000));
    expect(rules).toEqual([]);
    expect(warnings).toEqual(["_redirects: it is larger than 5 MB and is not obeyed"]);
  });

  test("many warnings are counted, not listed, and are safe to print", () => {
    const { warnings } = readRedirects("/a \u001b[31mred\n".repeat(250));
    expect(warnings).toHaveLength(101);
    expect(warnings.at(-1)).toBe("_redirects: and 150 more lines are not obeyed");
    const bold = readRedirects("/a /b \u001b[1m").warnings;
    expect(bold.join()).not.toMatch(/[\u0000-\u001f]/);
  });
});
