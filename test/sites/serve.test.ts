import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { type Served, serveSites } from "./served.ts";

let served: Served;
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(100);

beforeAll(async () => {
  served = await serveSites();
  await served.site("blog");
  await served.deploy("blog", {
    "index.html": "<h1>hello</h1>",
    "about.html": "<p>about</p>",
    "long.txt": TEXT,
    "assets/app.3f2a9c1b.js": `// ${TEXT}`,
    "empty.txt": "",
    "404.html": "<h1>lost</h1>",
  });
  served.ctx.pass(5000);
});
afterAll(() => served[Symbol.asyncDispose]());

describe("a live deploy", () => {
  test("is answered", async () => {
    const answer = await served.get("blog", "/");
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("<h1>hello</h1>");
    console.log([...answer.headers]);
    const b = await served.get("blog", "/long.txt", { "accept-encoding": "gzip, br, zstd" });
    console.log([...b.headers]);
    for (let n = 0; n < 3; n += 1) await served.get("blog", "/");
    expect(served.quickAnswers()).toBeGreaterThan(1);
  });
});
