import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { bodyOf, headerOf, type SiteWorld, siteWorld, untilHot } from "./site-world.ts";
import { statusOf } from "./wire.ts";

/** Argon2 is meant to be slow, and the machine may be busy. */
setDefaultTimeout(60_000);

const HOST = "blog.localhost";
const TEXT = `<p>${"the content of the page ".repeat(100)}</p>`;

let world: SiteWorld;
beforeAll(async () => {
  world = await siteWorld({ LAND_RATE_LIMIT: "off" });
  const files = {
    "index.html": TEXT,
    "page.html": TEXT,
    "large.txt": "0123456789".repeat(200_000),
    "de/index.html": "auf deutsch",
    "404.html": "not here",
    _redirects: "/choose /de/ 200 Language=de\n/choose /page 200\n/mine /de/ 200 Cookie=mine\n",
  };
  await world.deploy(world.ada, "blog", files);
  await untilHot();
  for (const target of ["/", "/large.txt"])
    for (const coding of ["br", "zstd", "gzip"]) await untilBest(target, coding);
});

/** Better codings are made in the background, and take the place of fast ones once. */
async function untilBest(target: string, coding: string): Promise<void> {
  for (;;) {
    const answer = await world.ask(HOST, target, [`Accept-Encoding: ${coding}`]);
    const tag = headerOf(answer, "etag") ?? "";
    if (tag.includes(`-${coding}`) && !tag.includes("-fast")) return;
    await Bun.sleep(20);
  }
}
afterAll(() => world[Symbol.asyncDispose]());

/** What of an answer must be the same for everybody who asks the same. */
async function see(target: string, headers: readonly string[] = [], method = "GET") {
  const answer = await world.ask(HOST, target, headers, method);
  const kept = ["content-type", "content-encoding", "cache-control", "etag", "vary", "location"];
  return {
    status: statusOf(answer),
    body: Bun.hash(bodyOf(answer)),
    ...Object.fromEntries(kept.map((name) => [name, headerOf(answer, name)])),
  };
}

async function warm(target: string, headers: readonly string[] = []): Promise<void> {
  for (let times = 0; times < 3; times += 1) await world.ask(HOST, target, headers);
}

/** Requests that are to leave nothing behind for the next visitor. */
const POISON: [name: string, headers: readonly string[], method?: string, target?: string][] = [
  ["X-Forwarded-Proto of a stranger", ["X-Forwarded-Proto: https"]],
  ["X-Forwarded-Host", ["X-Forwarded-Host: evil.example"]],
  ["X-Forwarded-For", ["X-Forwarded-For: 127.0.0.1"]],
  ["X-Forwarded-Prefix", ["X-Forwarded-Prefix: //evil.example"]],
  ["Forwarded", ["Forwarded: for=1.2.3.4;host=evil.example;proto=https"]],
  ["X-Original-URL", ["X-Original-URL: /none"]],
  ["X-Rewrite-URL", ["X-Rewrite-URL: /none"]],
  ["X-HTTP-Method-Override", ["X-HTTP-Method-Override: DELETE"]],
  ["a method of its own", [], "PURGE"],
  ["POST", ["Content-Length: 0"], "POST"],
  ["OPTIONS", [], "OPTIONS"],
  ["HEAD", [], "HEAD"],
  ["GET with a body", ["Content-Length: 5"], "GET"],
  ["a range", ["Range: bytes=0-3"]],
  ["many ranges", ["Range: bytes=0-3,5-9"]],
  ["a range that is not there", ["Range: bytes=999999-"]],
  ["If-Range with a range", ['If-Range: "x"', "Range: bytes=0-3"]],
  ["If-None-Match: *", ["If-None-Match: *"]],
  ["If-Match of other bytes", ['If-Match: "x"']],
  ["If-Modified-Since of tomorrow", ["If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"]],
  ["If-Unmodified-Since of long ago", ["If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT"]],
  ["br", ["Accept-Encoding: br"]],
  ["zstd", ["Accept-Encoding: zstd"]],
  ["gzip", ["Accept-Encoding: gzip"]],
  ["no coding at all", ["Accept-Encoding: *;q=0"]],
  ["a coding that is none", ["Accept-Encoding: evil, identity;q=0"]],
  ["a language", ["Accept-Language: de"]],
  ["a cookie", ["Cookie: mine=1; land_session=x"]],
  ["an Authorization", ["Authorization: Basic YTpi"]],
  ["Accept of JSON", ["Accept: application/json"]],
  ["an Origin", ["Origin: http://evil.example"]],
  ["a header of 8 KB", [`X-Long: ${"x".repeat(8000)}`]],
  ["a query", [], "GET", "?utm=1&x=<script>"],
  ["an encoded query", [], "GET", "%3Fx=1"],
  ["a fragment", [], "GET", "#x"],
  ["a parameter", [], "GET", ";x=1"],
  ["NUL", [], "GET", "%00"],
];

test.each(POISON)(
  "cache poisoning: %s leaves the next answer as it was",
  async (_, headers, method = "GET", tail = "") => {
    for (const target of ["/", "/page", "/large.txt", "/none"])
      for (const coding of ["identity", "br", "gzip"]) {
        const accept = [`Accept-Encoding: ${coding}`];
        const before = await see(target, accept);
        const own = headers.some((line) => line.startsWith("Accept-Encoding"));
        await world.ask(HOST, target + tail, own ? headers : [...headers, ...accept], method);
        expect([target, coding, await see(target, accept)]).toEqual([target, coding, before]);
      }
  },
);

test("cache poisoning: each coding has its own tag, and none is another's", async () => {
  const tags = new Map<string, string>();
  for (const coding of ["identity", "br", "zstd", "gzip"]) {
    await warm("/", [`Accept-Encoding: ${coding}`]);
    const answer = await world.ask(HOST, "/", [`Accept-Encoding: ${coding}`]);
    expect(headerOf(answer, "vary")).toMatch(/accept-encoding/i);
    expect(headerOf(answer, "content-encoding") ?? "identity").toBe(coding);
    tags.set(coding, headerOf(answer, "etag") ?? "");
  }
  expect(new Set(tags.values()).size).toBe(4);
  for (const [coding, tag] of tags) {
    // Who takes no coding is not told to keep the bytes of one.
    const answer = await world.ask(HOST, "/", [
      "Accept-Encoding: identity",
      `If-None-Match: ${tag}`,
    ]);
    expect([coding, statusOf(answer)]).toEqual([coding, coding === "identity" ? 304 : 200]);
    if (coding !== "identity") expect(bodyOf(answer)).toBe(TEXT);
  }
});

test("cache poisoning: what depends on the visitor is made for each, and says so", async () => {
  const choose = async (language: string) =>
    world.ask(HOST, "/choose", [`Accept-Language: ${language}`, "Accept-Encoding: identity"]);
  for (let times = 0; times < 3; times += 1) {
    const german = await choose("de");
    expect([bodyOf(german), headerOf(german, "vary")]).toEqual([
      "auf deutsch",
      expect.stringMatching(/Accept-Language/),
    ]);
    const english = await choose("en");
    expect([bodyOf(english), headerOf(english, "vary")]).toEqual([
      TEXT,
      expect.stringMatching(/Accept-Language/),
    ]);
    expect(bodyOf(await world.ask(HOST, "/mine", ["Cookie: mine=1"]))).toBe("auf deutsch");
    expect(bodyOf(await world.ask(HOST, "/mine"))).toBe("not here");
  }
});

test("cache poisoning: what a stranger says of https is believed of a proxy alone", async () => {
  await world.ask(HOST, "/page.html", ["X-Forwarded-Proto: https"]);
  const location = headerOf(await world.ask(HOST, "/page.html"), "location");
  expect(location).toBe("/page");
});

/** Ways to ask for what was hot a moment ago. */
function stale(tag: string, since: string): [name: string, headers: string[], method?: string][] {
  return [
    ["plainly", []],
    ["as before", ["Accept-Encoding: identity"]],
    ["in br", ["Accept-Encoding: br"]],
    ["in gzip", ["Accept-Encoding: gzip"]],
    ["with its tag", ["Accept-Encoding: identity", `If-None-Match: ${tag}`]],
    ["with any tag", ["If-None-Match: *"]],
    ["with its date", [`If-Modified-Since: ${since}`]],
    ["a range", ["Range: bytes=0-9"]],
    ["a range with its tag", ["Range: bytes=0-9", `If-Range: ${tag}`]],
    ["HEAD", [], "HEAD"],
  ];
}

async function set(body: unknown): Promise<void> {
  const { status, value } = await world.server.call("PATCH", "/sites/blog", {
    token: world.ada,
    body,
  });
  expect([status, value]).toEqual([200, expect.anything()]);
}

test.each([
  ["a password", { password: "canary password" }, 401],
  ["accounts", { protection: "members" }, 302],
  ["maintenance", { maintenance: true }, 503],
])(
  "cache poisoning: the moment a site is behind %s no old answer is given",
  async (_, changes, status) => {
    const hosts = [
      HOST,
      "BLOG.localhost.",
      `${(await world.live("blog"))?.id ?? ""}--blog.localhost`,
    ];
    for (const coding of ["identity", "br", "gzip"])
      for (const host of hosts)
        for (let times = 0; times < 3; times += 1)
          await world.ask(host, "/", [`Accept-Encoding: ${coding}`]);
    const before = await world.ask(HOST, "/", ["Accept-Encoding: identity"]);
    expect(bodyOf(before)).toBe(TEXT);
    const tag = headerOf(before, "etag") ?? "";
    const since = headerOf(before, "last-modified") ?? "";
    await set(changes);
    const isDown = "maintenance" in changes;
    for (let times = 0; times < 2; times += 1)
      for (const host of isDown ? hosts.slice(0, 2) : hosts)
        for (const [how, headers, method] of stale(tag, since)) {
          const answer = await world.ask(host, "/", headers, method);
          expect([host, how, statusOf(answer)]).toEqual([host, how, status]);
          expect(bodyOf(answer)).not.toContain("the content");
          expect(headerOf(answer, "etag")).toBeUndefined();
          expect(headerOf(answer, "cache-control")).toBe("no-store");
        }
    await set({ protection: "none", maintenance: false });
    expect(bodyOf(await world.ask(HOST, "/", ["Accept-Encoding: identity"]))).toBe(TEXT);
  },
);

test("cache poisoning: answers asked for after the protection was acknowledged are all behind it", async () => {
  for (let round = 0; round < 5; round += 1) {
    await warm("/", ["Accept-Encoding: identity"]);
    const protection = { on: false, proven: false };
    const wrong: number[] = [];
    const visitors = Array.from({ length: 6 }, async () => {
      while (!protection.proven) {
        const wasOn = protection.on;
        const answer = await world.ask(HOST, "/", ["Accept-Encoding: identity"]);
        if (wasOn && statusOf(answer) !== 302) wrong.push(statusOf(answer));
      }
    });
    await set({ protection: "members" });
    protection.on = true;
    for (let times = 0; times < 5; times += 1) await world.ask(HOST, "/");
    protection.proven = true;
    await Promise.all(visitors);
    expect(wrong).toEqual([]);
    await set({ protection: "none" });
  }
});

test("cache poisoning: what is let in is for one browser, and never kept for the next visitor", async () => {
  await set({ password: "canary password" });
  const basic = `Authorization: Basic ${btoa("x:canary password")}`;
  for (let times = 0; times < 3; times += 1) {
    const inside = await world.ask(HOST, "/", [basic, "Accept-Encoding: identity"]);
    expect([bodyOf(inside), headerOf(inside, "cache-control")]).toEqual([
      TEXT,
      expect.stringMatching(/^private/),
    ]);
    expect(statusOf(await world.ask(HOST, "/", ["Accept-Encoding: identity"]))).toBe(401);
    // A pass is no answer to who sends nothing, over the same connection or another.
    expect(statusOf(await world.ask(HOST, "/", ["Cookie: land-pass=1.x"]))).toBe(401);
  }
  await set({ protection: "none" });
});

test("cache poisoning: a removed site is gone at once, hot or not", async () => {
  await world.deploy(world.ada, "gone", { "index.html": "still here" });
  const host = "gone.localhost";
  const deploy = `${(await world.live("gone"))?.id ?? ""}--${host}`;
  await untilHot();
  for (let times = 0; times < 3; times += 1)
    for (const at of [host, deploy]) expect(bodyOf(await world.ask(at, "/"))).toBe("still here");
  const { status } = await world.server.call("DELETE", "/sites/gone", { token: world.ada });
  expect(status).toBe(204);
  for (const at of [host, deploy]) {
    const answer = await world.ask(at, "/");
    expect([at, statusOf(answer), bodyOf(answer).includes("still here")]).toEqual([at, 404, false]);
  }
});
