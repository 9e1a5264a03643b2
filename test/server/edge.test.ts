import { expect, test } from "bun:test";

import { loadConfig } from "#base/config.ts";
import { clientAddress } from "#server/address.ts";
import { destinationOf } from "#server/edge.ts";
import { createRouteTable } from "#server/route-table.ts";

const config = loadConfig({
  data: "/srv",
  env: { LAND_PUBLIC_URL: "https://land.example.org" },
  flags: { domain: "example.com" },
});

test.each([
  ["example.com", "own"],
  ["EXAMPLE.com:443", "own"],
  ["example.com.", "own"],
  ["land.example.org", "own"],
  ["localhost:5263", "own"],
  ["127.0.0.1:5263", "own"],
  ["[::1]:5263", "own"],
  ["203.0.113.9", "own"],
  ["blog.example.com", "site"],
  ["BLOG.example.com.:80", "site"],
  ["abcdefghij--blog.example.com", "site"],
  ["abcdefghij--my-blog.example.com", "site"],
  ["a--blog.example.com", "unknown"],
  ["--blog.example.com", "malformed"],
  ["abcdefghij--.example.com", "malformed"],
  ["abcdefghij--blog--x.example.com", "unknown"],
  ["x.blog.example.com", "unknown"],
  ["_x.example.com", "unknown"],
  ["xn--mnchen-3ya.example.com", "unknown"],
  [`${"a".repeat(51)}.example.com`, "unknown"],
  ["evil.org", "other"],
  ["example.com.evil.org", "other"],
  ["xexample.com", "other"],
  ["blog.localhost", "other"],
  [null, "malformed"],
  ["", "malformed"],
  ["example.com, evil.org", "malformed"],
  ["example.com@evil.org", "malformed"],
  ["example.com/x", "malformed"],
  ["example.com:80:80", "malformed"],
  ["example.com:", "malformed"],
  ["example.com:99999", "malformed"],
  ["example..com", "malformed"],
  [".example.com", "malformed"],
  ["-x.example.com", "malformed"],
  ["exa mple.com", "malformed"],
  ["exämple.com", "malformed"],
  ["0x7f.1", "malformed"],
  ["2130706433", "malformed"],
  ["127.1", "malformed"],
  ["[::1", "malformed"],
  ["[::1]evil", "malformed"],
  ["[fe80::1%eth0]", "malformed"],
  ["a\0b.com", "malformed"],
  [`${"a".repeat(64)}.com`, "malformed"],
  [`${"a.".repeat(130)}com`, "malformed"],
])("Host %p is %s", (header, kind) => {
  expect(destinationOf(header, config).kind).toBe(kind as "own");
});

test("a domain of sites keeps sites and the dashboard apart", () => {
  const apart = loadConfig({
    data: "/srv",
    env: {},
    flags: { domain: "example.com", sitesDomain: "example.site" },
  });
  const kindOf = (host: string) => destinationOf(host, apart).kind;
  expect(
    ["example.com", "blog.example.site", "example.site", "blog.example.com"].map(kindOf),
  ).toEqual(["own", "site", "unknown", "unknown"]);
  expect(destinationOf("abcdefghij--blog.example.site:443", apart)).toMatchObject({
    site: "blog",
    deploy: "abcdefghij",
    host: "abcdefghij--blog.example.site",
  });
});

test.each([
  ["10.0.0.9", null, [], "10.0.0.9"],
  ["10.0.0.9", "1.2.3.4", [], "10.0.0.9"],
  ["10.0.0.9", "1.2.3.4", ["10.0.0.9"], "1.2.3.4"],
  ["::ffff:10.0.0.9", "6.6.6.6, 1.2.3.4", ["10.0.0.9"], "1.2.3.4"],
  ["10.0.0.9", "6.6.6.6, 1.2.3.4, 10.0.0.8", ["10.0.0.9", "10.0.0.8"], "1.2.3.4"],
  ["10.0.0.9", "1.2.3.4, nonsense", ["10.0.0.9"], "10.0.0.9"],
  ["10.0.0.9", "", ["10.0.0.9"], "10.0.0.9"],
])("peer %s saying %p behind %p is %s", (peer, header, trusted, address) => {
  expect(clientAddress(peer, header, trusted)).toBe(address);
});

test("the route table knows the methods of a path, literal and by parameter", () => {
  const table = createRouteTable([
    { method: "GET", path: "/packages/:name" },
    { method: "DELETE", path: "/packages/:name/:version" },
    { method: "GET", path: "/packages/:name/download" },
    { method: "POST", path: "/packages" },
    { method: "GET", path: "/assets/*" },
  ]);
  expect(table.methodsOf("/packages")).toEqual(["OPTIONS", "POST"]);
  expect(table.methodsOf("/packages/left")).toEqual(["GET", "HEAD", "OPTIONS"]);
  expect(table.methodsOf("/packages/left/download")).toEqual(["DELETE", "GET", "HEAD", "OPTIONS"]);
  expect(table.methodsOf("/assets/a/b")).toEqual(["GET", "HEAD", "OPTIONS"]);
  expect(table.methodsOf("/nothing")).toBeUndefined();
});
