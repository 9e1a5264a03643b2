import { expect, test } from "bun:test";

import { array, assert, constantFrom, oneof, property, string } from "fast-check";

import { loadConfig } from "#base/config.ts";
import { parseDomainHost } from "#sites/domains/domain-host.ts";
import { codeOf } from "#test/support/people.ts";

const config = {
  ...loadConfig({ data: "/tmp", env: {}, flags: {} }),
  domain: "land.example.com",
  sitesDomain: "pages.example.net",
  publicUrl: "https://console.example.org",
};

test.each([
  ["shop.example.org", "shop.example.org"],
  ["SHOP.Example.ORG.", "shop.example.org"],
  ["münchen.de", "xn--mnchen-3ya.de"],
  ["faß.de", "xn--fa-hia.de"],
  ["例え.テスト", "xn--r8jz45g.xn--zckzah"],
  ["xn--mnchen-3ya.de", "xn--mnchen-3ya.de"],
  ["example.com", "example.com"],
  ["notland.example.com", "notland.example.com"],
])("%s is the host %s", (input, host) => {
  expect(parseDomainHost(config, input)).toBe(host);
});

test.each([
  "",
  ".",
  "org",
  "localhost",
  "shop.localhost",
  "shop.local",
  "metadata.google.internal",
  "1.0.0.127.in-addr.arpa",
  "127.0.0.1",
  "0x7f.1",
  "2130706433",
  "１２７.0.0.1",
  "[::1]",
  "::1",
  "*.example.org",
  "a.*.example.org",
  "_dmarc.example.org",
  "a..example.org",
  ".example.org",
  "-a.example.org",
  "a b.example.org",
  "shop.example.org:443",
  "https://shop.example.org",
  "shop.example.org/x",
  "shop.example.org\\x",
  "shop.example.org?x",
  "shop.example.org#x",
  "ada@shop.example.org",
  "shop%2eexample.org",
  "shop.example.org\u0000",
  "shop.example.org\n",
  "xn--a.de",
  "\u00ad.de",
  `${"a".repeat(64)}.org`,
  `${"a.".repeat(118)}org`,
  "land.example.com",
  "blog.land.example.com",
  "a.b.LAND.example.com.",
  "pages.example.net",
  "blog.pages.example.net",
  "ｌand.example.com",
  "console.example.org",
  "x.console.example.org",
])("%j is refused", async (input) => {
  expect(await codeOf(() => parseDomainHost(config, input))).toBe("domain_refused");
});

test("whatever comes in, what comes out is a name that comes out of itself", () => {
  const parts = constantFrom(
    "a",
    "Z",
    "9",
    "-",
    ".",
    "_",
    "*",
    "ü",
    "。",
    "%",
    "/",
    "@",
    " ",
    "xn--",
    "\u0000",
  );
  const texts = oneof(
    string(),
    array(parts, { maxLength: 30 }).map((all) => `${all.join("")}.org`),
  );
  assert(
    property(texts, (input) => {
      let host: string;
      try {
        host = parseDomainHost(config, input);
      } catch (error) {
        expect(error).toHaveProperty("code", "domain_refused");
        return;
      }
      expect(host).toMatch(/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+$/);
      expect(parseDomainHost(config, host)).toBe(host);
    }),
  );
});
