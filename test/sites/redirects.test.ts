import { describe, expect, test } from "bun:test";

import { inWords, siteOf } from "./rules.ts";

describe("files and rules", () => {
  const site = siteOf(["page.html", "app.js", "new.html", "de/404.html", "index.html"], {
    redirects: [
      "/page /new",
      "/app.js /other.js 302!",
      "/app/* /index.html 200",
      "/closed /new 404",
      "/gone /nowhere 410",
      "/spelled /new.html 200",
      "/de/* /de/404.html 404",
    ].join("\n"),
  });
  test.each([
    ["/page", "200 page.html"],
    ["/app.js", "302 /other.js"],
    ["/app/any/where", "200 index.html"],
    ["/app", "200 index.html"],
    ["/closed", "404 new.html"],
    ["/gone", "410"],
    ["/spelled", "200 new.html"],
    ["/de/nichts", "404 de/404.html"],
  ])("%s answers %s", (path, answer) => {
    expect(inWords(site.ask(path))).toBe(answer);
  });

  test("the first rule that matches decides, also when it yields to a file", () => {
    const two = siteOf(["a.html"], { redirects: "/a /one\n/a /two 301!" });
    expect(inWords(two.ask("/a"))).toBe("200 a.html");
  });
  test("a forced rewrite shadows a page", () => {
    const shadowed = siteOf(["a.html", "b.html"], { redirects: "/a /b 200!" });
    expect(inWords(shadowed.ask("/a"))).toBe("200 b.html");
  });
  test("a single-page application", () => {
    const spa = siteOf(["index.html", "app.js"], { redirects: "/* /index.html 200" });
    expect(inWords(spa.ask("/deep/link"))).toBe("200 index.html");
    expect(inWords(spa.ask("/app.js"))).toBe("200 app.js");
    expect(inWords(spa.ask("/index.html"))).toBe("307 /");
  });
});

describe("a rule that leads back is passed over", () => {
  test.each<[redirects: string, url: string, answer: string]>([
    ["/* /:splat 301!", "/page", "200 page.html"],
    ["/page /page/ 301!", "/page", "200 page.html"],
    ["/page/ /page 301!", "/page/", "307 /page"],
    ["/dir/ /dir 301!", "/dir", "307 /dir/"],
    ["/page /page.html 301!", "/page", "200 page.html"],
    ["/dir/ /dir/index.html 301!", "/dir/", "200 dir/index.html"],
    ["/* https://blog.example.com/:splat 301!", "/page", "200 page.html"],
    ["/x /x\n/x /y", "/x", "301 /y"],
  ])("%s for %s", (redirects, url, answer) => {
    const site = siteOf(["page.html", "dir/index.html"], { redirects });
    expect(inWords(site.ask(url))).toBe(answer);
  });
  test("but another host or another query is another place", () => {
    const site = siteOf(["page.html"], {
      redirects: "/page v=:v /page 301!\n/* https://www.example.com/:splat 301!",
    });
    expect(inWords(site.ask("/page?v=1"))).toBe("301 /page");
    expect(inWords(site.ask("/page"))).toBe("301 https://www.example.com/page");
    expect(inWords(site.ask("/page", { host: "www.example.com" }))).toBe("200 page.html");
  });
});

describe("queries", () => {
  const site = siteOf([], {
    redirects: "/a /b\n/own /b?x=1\n/id id=:id /b/:id\n/both id=:id /b?id=:id&y=2#z",
  });
  test.each([
    ["/a?x=1&y=%20&x=2", "301 /b?x=1&y=%20&x=2"],
    ["/own?y=2", "301 /b?x=1&y=2"],
    ["/own?x=9", "301 /b?x=1"],
    ["/id?id=7&utm=mail", "301 /b/7?utm=mail"],
    ["/id?id=a%2Fb%3Fc", "301 /b/a%2Fb%3Fc"],
    ["/both?id=1", "301 /b?id=1&y=2#z"],
    ['/a?q="<é>', "301 /b?q=%22%3C%C3%A9%3E"],
    ["/a?q=\r\nSet-Cookie:a=b", "301 /b?q=%0D%0ASet-Cookie:a=b"],
  ])("%s answers %s", (url, answer) => {
    expect(inWords(site.ask(url))).toBe(answer);
  });
  test("all of a long query is passed on", () => {
    const query = Array.from({ length: 300 }, (_, index) => `k${index}=${index}`).join("&");
    expect(inWords(site.ask(`/a?${query}`))).toBe(`301 /b?${query}`);
  });
});

describe("conditions", () => {
  const site = siteOf(["index.html"], {
    redirects: [
      "/ /anz 302! Country=au,nz",
      "/ /china 302! Language=zh",
      "/ /us/en 302! Country=us Language=en",
      "/ /beta 302! Cookie=beta,alpha",
    ].join("\n"),
  });
  test.each<[more: Parameters<typeof site.ask>[1], answer: string]>([
    [{}, "200 index.html"],
    [{ country: "NZ" }, "302 /anz"],
    [{ country: "nz" }, "302 /anz"],
    [{ country: "DE" }, "200 index.html"],
    [{ languages: ["zh-Hant-TW", "en"] }, "302 /china"],
    [{ languages: ["en", "zh"] }, "200 index.html"],
    [{ country: "US", languages: ["en-US"] }, "302 /us/en"],
    [{ country: "US", languages: ["es"] }, "200 index.html"],
    [{ cookies: new Set(["alpha"]) }, "302 /beta"],
    [{ cookies: new Set(["other"]) }, "200 index.html"],
  ])("%j", (more, answer) => {
    expect(inWords(site.ask("/", more))).toBe(answer);
  });
});

describe("rules for one host", () => {
  const site = siteOf(["index.html"], {
    redirects: [
      "http://old.example.com/* https://new.example.com/:splat 301!",
      "https://old.example.com/* https://new.example.com/s/:splat 301!",
      "/x /y",
    ].join("\n"),
  });
  test("hold for that host and scheme alone", () => {
    const ask = (scheme: "http" | "https", host: string, path = "/a") =>
      inWords(site.ask(path, { scheme, host }));
    expect(ask("http", "old.example.com")).toBe("301 https://new.example.com/a");
    expect(ask("https", "old.example.com")).toBe("301 https://new.example.com/s/a");
    expect(ask("https", "new.example.com")).toBe("404");
    expect(ask("https", "new.example.com", "/x")).toBe("301 /y");
    expect(ask("https", "old.example.com", "/x")).toBe("301 https://new.example.com/s/x");
  });
});

describe("a visitor cannot choose another site", () => {
  const site = siteOf(["evil.com/file.html", "evil.com/index.html", "a/index.html"], {
    redirects: [
      "/go/* /:splat",
      "/to/:x /:x",
      "/q u=:u /:u",
      "/raw u=:u :u",
      "/host h=:h https://:h.example.com/ 302",
      "/lang/:l https://:l.example.com/x 302",
      "/two/:a/:b /:a/:b/",
      "/s/* /:splat/x",
    ].join("\n"),
  });
  test.each([
    ["//evil.com/file.html", "307 /evil.com/file"],
    ["//evil.com", "307 /evil.com/"],
    ["///evil.com/", "307 /evil.com/"],
    ["/%2fevil.com/file.html", "malformed"],
    ["/%5cevil.com/file.html", "malformed"],
    ["/\\evil.com/file.html", "malformed"],
    ["/go//evil.com", "301 /evil.com"],
    ["/go///evil.com//x", "301 /evil.com/x"],
    ["/go/%2fevil.com", "malformed"],
    ["/go/\t/evil.com", "malformed"],
    ["/to/evil.com", "301 /evil.com"],
    ["/q?u=/evil.com", "301 /%2Fevil.com"],
    ["/q?u=//evil.com", "301 /%2F%2Fevil.com"],
    ["/q?u=%5Cevil.com", "301 /%5Cevil.com"],
    ["/q?u=%0d%0aX:y", "301 /%0D%0AX%3Ay"],
    ["/host?h=evil.com/", "404"],
    ["/host?h=evil.com%23", "404"],
    ["/host?h=a@evil", "404"],
    ["/host?h=www", "302 https://www.example.com/"],
    ["/lang/de", "302 https://de.example.com/x"],
    ["/lang/evil.com", "404"],
    ["/two//evil.com/x", "301 /evil.com/x/"],
    ["/s//evil.com/", "301 /evil.com/x"],
    ["/s/", "301 /x"],
  ])("%j answers %s", (url, answer) => {
    expect(inWords(site.ask(url))).toBe(answer);
  });
});
