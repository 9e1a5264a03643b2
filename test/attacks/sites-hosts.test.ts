import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";

import { bodyOf, headerOf, rawRequest, type SiteWorld, siteWorld, untilHot } from "./site-world.ts";
import { sendRaw, statusOf } from "./wire.ts";

let world: SiteWorld;
let blogDeploy = "";
let shopDeploy = "";
beforeAll(async () => {
  world = await siteWorld({ LAND_TRUSTED_PROXIES: "192.0.2.1" });
  blogDeploy = (await world.deploy(world.ada, "blog", { "index.html": "I am blog" })).id;
  shopDeploy = (await world.deploy(world.eve, "shop", { "index.html": "I am shop" })).id;
  await untilHot();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Whose answer it is. */
function whose(answer: string): string {
  const body = bodyOf(answer);
  for (const name of ["blog", "shop"]) if (body.includes(`I am ${name}`)) return name;
  if (statusOf(answer) === 400) return "refused";
  return statusOf(answer) === 404 ? "nobody" : `status ${statusOf(answer)}`;
}

const get = (lines: readonly string[], target = "/"): string => rawRequest("GET", target, lines);
const LABEL = "a".repeat(64);
const IDN = "bl\u00f6g.localhost";

/** What is sent, and who answers. `blog` and `shop` stand for the deploys of those sites in names. */
const CASES: [name: string, request: () => string, who: string][] = [
  ["the name itself", () => get(["Host: blog.localhost"]), "blog"],
  ["in capitals", () => get(["Host: BLOG.LocalHost"]), "blog"],
  ["a port", () => get(["Host: blog.localhost:81"]), "blog"],
  ["a trailing dot", () => get(["Host: blog.localhost."]), "blog"],
  ["a trailing dot and a port", () => get(["Host: blog.localhost.:5263"]), "blog"],
  ["two trailing dots", () => get(["Host: blog.localhost.."]), "refused"],
  ["Host twice, the same", () => get(["Host: blog.localhost", "Host: blog.localhost"]), "refused"],
  ["Host twice", () => get(["Host: blog.localhost", "Host: shop.localhost"]), "refused"],
  ["Host twice, ours first", () => get(["Host: localhost", "Host: blog.localhost"]), "refused"],
  ["two in one", () => get(["Host: blog.localhost, shop.localhost"]), "refused"],
  ["two in one by space", () => get(["Host: blog.localhost shop.localhost"]), "refused"],
  ["no Host", () => get([]), "refused"],
  ["an empty Host", () => get(["Host: "]), "refused"],
  ["userinfo", () => get(["Host: shop.localhost@blog.localhost"]), "refused"],
  ["userinfo with a password", () => get(["Host: a:b@blog.localhost"]), "refused"],
  ["a path", () => get(["Host: blog.localhost/shop.localhost"]), "refused"],
  ["a query", () => get(["Host: blog.localhost?.shop.localhost"]), "refused"],
  ["a fragment", () => get(["Host: blog.localhost#.shop.localhost"]), "refused"],
  ["a backslash", () => get(["Host: blog.localhost\\shop.localhost"]), "refused"],
  ["a percent", () => get(["Host: blog%2elocalhost"]), "refused"],
  ["an underscore", () => get(["Host: _blog.localhost"]), "nobody"],
  ["a port past all ports", () => get(["Host: blog.localhost:65536"]), "refused"],
  ["a port that is none", () => get(["Host: blog.localhost:http"]), "refused"],
  ["a signed port", () => get(["Host: blog.localhost:+80"]), "refused"],
  ["two ports", () => get(["Host: blog.localhost:80:80"]), "refused"],
  ["a name in UTF-8", () => get([`Host: ${IDN}`]), "refused"],
  ["a name in punycode", () => get(["Host: xn--blg-sna.localhost"]), "nobody"],
  ["full width letters", () => get(["Host: \uff42\uff4c\uff4f\uff47.localhost"]), "refused"],
  ["a label above", () => get(["Host: x.blog.localhost"]), "nobody"],
  ["www above", () => get(["Host: www.blog.localhost"]), "nobody"],
  ["an empty label", () => get(["Host: blog..localhost"]), "refused"],
  ["a dot in front", () => get(["Host: .blog.localhost"]), "refused"],
  ["a label of 64", () => get([`Host: ${LABEL}.localhost`]), "refused"],
  ["a host of 300", () => get([`Host: ${"a.".repeat(145)}localhost`]), "refused"],
  ["a host of 100 KB", () => get([`Host: ${"a".repeat(100_000)}`]), "status 431"],
  ["another domain that ends so", () => get(["Host: blog.xlocalhost"]), "nobody"],
  ["another domain", () => get(["Host: blog.example.com"]), "nobody"],
  ["our domain within another", () => get(["Host: blog.localhost.example.com"]), "nobody"],
  ["no such site", () => get(["Host: none.localhost"]), "nobody"],
  ["its own deploy", () => get([`Host: ${blogDeploy}--blog.localhost`]), "blog"],
  ["a deploy of another site", () => get([`Host: ${shopDeploy}--blog.localhost`]), "nobody"],
  ["its deploy under another site", () => get([`Host: ${blogDeploy}--shop.localhost`]), "nobody"],
  ["a deploy that is none", () => get(["Host: 0000000000--blog.localhost"]), "nobody"],
  ["a short id", () => get(["Host: 0--blog.localhost"]), "nobody"],
  ["no id", () => get(["Host: --blog.localhost"]), "refused"],
  ["two ids", () => get([`Host: ${blogDeploy}--${blogDeploy}--blog.localhost`]), "nobody"],
  [
    "X-Forwarded-Host of who is no proxy",
    () => get(["Host: blog.localhost", "X-Forwarded-Host: shop.localhost"]),
    "blog",
  ],
  [
    "X-Forwarded-Host to us",
    () => get(["Host: blog.localhost", "X-Forwarded-Host: localhost"]),
    "blog",
  ],
  [
    "Forwarded",
    () => get(["Host: blog.localhost", "Forwarded: host=shop.localhost;proto=https"]),
    "blog",
  ],
  ["X-Host", () => get(["Host: blog.localhost", "X-Host: shop.localhost"]), "blog"],
  [
    "X-Original-URL and X-Rewrite-URL",
    () => get(["Host: blog.localhost", "X-Original-URL: /x", "X-Rewrite-URL: /x"]),
    "blog",
  ],
  ["an absolute target", () => get(["Host: blog.localhost"], "http://blog.localhost/"), "blog"],
  [
    "an absolute target of another site",
    () => get(["Host: blog.localhost"], "http://shop.localhost/"),
    "blog",
  ],
  [
    "an absolute target of ours",
    () => get(["Host: blog.localhost"], "http://localhost/api/v1/users/me"),
    "nobody",
  ],
  [
    "an absolute target with userinfo",
    () => get(["Host: blog.localhost"], "http://shop.localhost@blog.localhost/"),
    "blog",
  ],
  ["an absolute target without Host", () => get([], "http://blog.localhost/"), "refused"],
  [
    "an absolute target of another scheme",
    () => get(["Host: blog.localhost"], "ftp://shop.localhost/"),
    "refused",
  ],
  ["an authority as target", () => get(["Host: blog.localhost"], "shop.localhost:80"), "refused"],
  ["two slashes and a host", () => get(["Host: blog.localhost"], "//shop.localhost/"), "nobody"],
  ["a backslash and a host", () => get(["Host: blog.localhost"], "/\\shop.localhost/"), "nobody"],
];

describe.each(["cold", "warm"])("%s", (state) => {
  beforeAll(async () => {
    if (state === "cold") return;
    for (const host of ["blog.localhost", "shop.localhost", "BLOG.LocalHost", "blog.localhost."])
      for (let times = 0; times < 3; times += 1) await world.ask(host, "/");
  });

  test.each(CASES)("host confusion: %s", async (_, request, who) => {
    for (let times = 0; times < 2; times += 1) {
      const answer = await sendRaw(world.server, request());
      expect(whose(answer)).toBe(who);
      // Nobody is told of what there is.
      if (whose(answer) === "nobody") expect(bodyOf(answer)).not.toMatch(/I am|ada|eve/);
    }
  });

  const HOSTS = ["blog", "shop", "none", "blog", "blog", "shop"];
  const ANSWERS = ["blog", "shop", "nobody", "blog", "blog", "shop"];
  const ofHost = (name: string): string => `GET / HTTP/1.1\r\nHost: ${name}.localhost\r\n\r\n`;

  test("host confusion: a connection that stays says each time whom it asks", async () => {
    const socket = connect(world.port, "127.0.0.1");
    const answers: string[] = [];
    for (const name of HOSTS) {
      socket.write(ofHost(name));
      const [chunk] = await once(socket, "data");
      answers.push(whose(String(chunk)));
    }
    socket.destroy();
    expect(answers).toEqual(ANSWERS);
  });

  test("host confusion: requests sent at once are answered in their order, or not at all", async () => {
    const socket = sendRaw(
      world.server,
      HOSTS.map(ofHost).join("") + get(["Host: shop.localhost"]),
    );
    const answers = (await socket).split(/(?=HTTP\/1\.1 \d{3})/).map(whose);
    expect(answers.length).toBeGreaterThan(0);
    expect(answers).toEqual([...ANSWERS, "shop"].slice(0, answers.length));
  });
});

test("host confusion: an unknown host gets no default site, and no hint that there are others", async () => {
  const answer = await world.ask("unknown.example.net", "/");
  expect(statusOf(answer)).toBe(404);
  expect(bodyOf(answer)).not.toMatch(/blog|shop|ada|eve/);
  expect(headerOf(answer, "set-cookie")).toBeUndefined();
  expect(await world.ask("unknown.example.net", "/api/v1/users/me")).not.toMatch(/unauthenticated/);
});

test("host confusion: an address is our own host, never a site", async () => {
  for (const host of ["127.0.0.1", "[::1]:5263", "203.0.113.9"]) {
    const answer = await world.ask(host, "/health");
    expect([host, statusOf(answer)]).toEqual([host, 200]);
  }
});
