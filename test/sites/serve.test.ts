import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { BLOG, getTwice, type Served, serveSites } from "./served.ts";

let served: Served;

beforeAll(async () => {
  served = await serveSites();
  await served.site("blog");
  await served.deploy("blog", BLOG);
  served.ctx.pass(5000);
  // Better variants would have other tags from one answer to the next.
  await served.sites.settled();
});
afterAll(() => served[Symbol.asyncDispose]());

const get = (path: string, headers?: Record<string, string>) => getTwice(served, path, headers);

describe("paths", () => {
  const cases: [path: string, status: number, text: string | undefined, location?: string][] = [
    ["/", 200, "<h1>hello</h1>"],
    ["/about", 200, "<p>about</p>"],
    ["/about.html", 307, "", "/about"],
    ["/folder", 307, "", "/folder/"],
    ["/folder/", 200, "<p>folder</p>"],
    ["/?page=2", 200, "<h1>hello</h1>"],
    ["/old", 301, "", "/about"],
    ["/app/anything", 200, "<h1>hello</h1>"],
    ["/nothing", 404, "<h1>lost</h1>"],
    ["/private/nothing", 404, "<h1>nothing private</h1>"],
    ["/_headers", 404, "<h1>lost</h1>"],
    ["/_redirects", 404, "<h1>lost</h1>"],
    ["/.land/x", 404, undefined],
    ["/%zz", 400, undefined],
    ["/..%2f..%2fsecret.key", 400, undefined],
    ["/empty.txt", 200, ""],
  ];
  for (const [path, status, text, location] of cases)
    test(`${path} is ${status}`, async () => {
      const answer = await get(path);
      expect(answer.status).toBe(status);
      expect(answer.headers.get("location")).toBe(location ?? null);
      if (text !== undefined) expect(await answer.text()).toBe(text);
    });

  test("what the server says itself is a page of its own that nobody keeps", async () => {
    await served.site("bare");
    const answer = await served.get("bare", "/");
    expect(answer.status).toBe(404);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    const page = await answer.text();
    expect(page).toContain('<html lang="en">');
    expect(page).not.toContain("bare");
  });

  test("unknown names and deploys are nobody's", async () => {
    expect((await served.get("nobody", "/")).status).toBe(421);
    expect((await served.get("abcdefghij--blog", "/")).status).toBe(421);
    expect((await served.get("shop.example.com", "/")).status).toBe(421);
  });
});

describe("methods", () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH"])
    test(`${method} is refused`, async () => {
      const answer = await served.get("blog", "/", {}, method);
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    });
  test("OPTIONS tells what is taken", async () => {
    const answer = await served.get("blog", "/", {}, "OPTIONS");
    expect([answer.status, answer.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
  });
  for (const path of ["/", "/long.txt", "/big.bin", "/nothing", "/old"])
    test(`HEAD ${path} has the headers of GET`, async () => {
      const full = await served.get("blog", path, { "accept-encoding": "br" });
      const head = await served.get("blog", path, { "accept-encoding": "br" }, "HEAD");
      const told = (of: Response) =>
        Object.fromEntries([...of.headers].filter(([name]) => name !== "date"));
      expect(told(head)).toEqual(told(full));
      expect(head.headers.has("date")).toBe(true);
      expect((await head.bytes()).length).toBe(0);
    });
});

describe("headers", () => {
  const cases: [path: string, header: string, value: string | null][] = [
    ["/", "content-type", "text/html; charset=utf-8"],
    ["/", "cache-control", "public, max-age=0, must-revalidate"],
    ["/", "x-content-type-options", "nosniff"],
    ["/", "accept-ranges", "bytes"],
    ["/", "vary", null],
    ["/", "x-robots-tag", null],
    ["/", "last-modified", "Sun, 01 Mar 2026 12:00:00 GMT"],
    ["/long.txt", "vary", "Accept-Encoding"],
    ["/long.txt", "content-length", String(String(BLOG["long.txt"]).length)],
    ["/assets/app.3f2a9c1b.js", "cache-control", "public, max-age=31536000, immutable"],
    ["/assets/photo-a1b2c3d4.png", "cache-control", "public, max-age=31536000, immutable"],
    ["/assets/photo-a1b2c3d4.png", "vary", null],
    ["/big.bin", "content-disposition", "inline"],
    ["/nothing", "cache-control", "public, max-age=0, must-revalidate"],
    ["/nothing", "etag", null],
    ["/about", "x-kept", "yes"],
    ["/about", "cache-control", "public, max-age=60"],
    ["/about", "content-length", "12"],
    ["/about", "set-cookie", "a=1"],
    ["/data.json", "content-type", "application/geo+json"],
  ];
  for (const [path, header, value] of cases)
    test(`${path} ${header}: ${value}`, async () => {
      expect((await get(path)).headers.get(header)).toBe(value);
    });

  test("a deploy's own address is not for search engines", async () => {
    const id = await served.deploy("blog", { "index.html": "draft" }, { draft: true });
    const answer = await served.get(`${id}--blog`, "/");
    expect(answer.headers.get("x-robots-tag")).toBe("noindex");
    expect(await answer.text()).toBe("draft");
    expect(await (await served.get("blog", "/")).text()).toBe("<h1>hello</h1>");
  });
});

test("most of what is asked for again is answered at once", () => {
  expect(served.quickAnswers()).toBeGreaterThan(20);
});

test("each answer is one visit", async () => {
  const before = served.visits.length;
  const asked: [path: string, method: string][] = [
    ["/", "GET"],
    ["/", "GET"],
    ["/", "HEAD"],
    ["/nothing?x=1", "GET"],
    ["/old", "GET"],
    ["/", "POST"],
    ["/%zz", "GET"],
  ];
  for (const [path, method] of asked) {
    const headers = { referer: "https://example.org/", "user-agent": "test" };
    await (await served.get("blog", path, headers, method)).bytes();
  }
  const told = served.visits.slice(before);
  expect(told.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([
    "GET / 200",
    "GET / 200",
    "HEAD / 200",
    "GET /nothing 404",
    "GET /old 301",
    "POST / 405",
    "GET /%zz 400",
  ]);
  expect(told[1]).toMatchObject({
    bytes: 14,
    isPage: true,
    userAgent: "test",
    referrer: "https://example.org/",
    host: "blog.localhost",
  });
  expect(told[1]?.address()).toBe("127.0.0.1");
});

test("a host in other spellings is answered, and not kept", async () => {
  const spellings = ["BLOG.localhost", "bLoG.LOCALHOST", "blog.localhost.", "blog.localhost:1"];
  const before = served.quickAnswers();
  for (let round = 0; round < 3; round += 1)
    for (const host of spellings)
      expect((await served.get("blog", "/about", { host })).status).toBe(200);
  expect(served.quickAnswers()).toBe(before);
});
