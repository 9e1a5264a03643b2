import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";

import { eq } from "drizzle-orm";

import { isDeployId } from "#base/names.ts";
import { rollback } from "#sites/deploys/rollback.ts";
import { updateSite } from "#sites/site/settings.ts";
import { deleteSite } from "#sites/site/sites-delete.ts";
import {
  deployFiles as deployFileRows,
  domains,
  sites as siteRows,
  variants,
} from "#sites/tables.ts";

import type { Files } from "./deploy-world.ts";
import { type Served, serveSites } from "./served.ts";

const page = (n: number): string => `<!doctype html><title>${n}</title>`;
const text = async (served: Served, host: string, path = "/"): Promise<string> =>
  (await served.get(host, path)).text();

/** A deploy whose page and files all name it. */
const release = (n: number): Files => ({
  "index.html": page(n),
  "app.js": `release(${n});${"x".repeat(600)}`,
  "style.css": `/* ${n} */${"y".repeat(600)}`,
});

describe("after a change is answered, the next request sees it", () => {
  test("a deploy, a rollback, the removal of the site", async () => {
    await using served = await serveSites();
    const { ctx, owner } = served;
    expect((await served.get("blog", "/")).status).toBe(421);
    await served.site("blog");
    expect((await served.get("blog", "/")).status).toBe(404);
    const first = await served.deploy("blog", release(1));
    ctx.pass(2000);
    for (let n = 2; n <= 20; n += 1) {
      await served.deploy("blog", release(n));
      ctx.pass(2000);
      for (let again = 0; again < 3; again += 1) expect(await text(served, "blog")).toBe(page(n));
    }
    expect(await text(served, `${first}--blog`)).toBe(page(1));
    await rollback(ctx, owner.actor, "blog", {});
    expect(await text(served, "blog")).toBe(page(19));
    await deleteSite(ctx, owner.actor, "blog");
    expect((await served.get("blog", "/")).status).toBe(421);
    expect((await served.get(`${first}--blog`, "/")).status).toBe(421);
  });

  test("If-Modified-Since is right across a rollback", async () => {
    await using served = await serveSites();
    await served.site("blog");
    await served.deploy("blog", release(1));
    served.ctx.pass(60_000);
    await served.deploy("blog", release(2));
    served.ctx.pass(60_000);
    const seen = (await served.get("blog", "/")).headers.get("last-modified") ?? "";
    await rollback(served.ctx, served.owner.actor, "blog", {});
    served.ctx.pass(60_000);
    const answer = await served.get("blog", "/", { "if-modified-since": seen });
    expect([answer.status, await answer.text()]).toEqual([200, page(1)]);
  });

  test("two releases within one second are told apart by time", async () => {
    await using served = await serveSites();
    served.ctx.pass(100);
    await served.site("blog");
    await served.deploy("blog", release(1));
    const seen = (await served.get("blog", "/")).headers.get("last-modified") ?? "";
    served.ctx.pass(300);
    await served.deploy("blog", release(2));
    served.ctx.pass(5000);
    const answer = await served.get("blog", "/", { "if-modified-since": seen });
    expect(answer.status).toBe(200);
    const now = answer.headers.get("last-modified") ?? "";
    expect((await served.get("blog", "/", { "if-modified-since": now })).status).toBe(304);
  });

  test("custom domains", async () => {
    await using served = await serveSites();
    const { ctx, owner } = served;
    await served.site("blog");
    await served.deploy("blog", release(1));
    const host = "shop.example.com";
    expect((await served.get(host, "/")).status).toBe(421);
    const [site] = await ctx.db.read.select().from(siteRows);
    const row = { host, siteId: site?.id ?? 0, userId: owner.actor.userId, proof: "x" };
    const put = (state: "pending" | "verified" | "failing") =>
      ctx.db.transaction(async (tx) => {
        await tx.delete(domains);
        await tx.insert(domains).values({ ...row, state, createdAt: ctx.now() });
      });
    await put("pending");
    ctx.hooks.emit("site.changed", { site: "blog" });
    expect((await served.get(host, "/")).status).toBe(421);
    await put("verified");
    ctx.hooks.emit("domain.verified", { site: "blog", host });
    ctx.pass(5000);
    for (let n = 0; n < 3; n += 1) expect(await text(served, host)).toBe(page(1));
    await put("failing");
    ctx.hooks.emit("site.changed", { site: "blog" });
    expect(await text(served, host)).toBe(page(1));
    await ctx.db.transaction(async (tx) => {
      await tx.delete(domains);
    });
    ctx.hooks.emit("domain.removed", { site: "blog", host });
    expect((await served.get(host, "/")).status).toBe(421);
  });

  test("maintenance and protection", async () => {
    await using served = await serveSites();
    const { ctx, owner } = served;
    await served.site("blog");
    await served.deploy("blog", { "index.html": page(1), "app.3f2a9c1b.js": "x" });
    ctx.pass(5000);
    for (let n = 0; n < 3; n += 1) await text(served, "blog");
    await updateSite(ctx, owner.actor, "blog", { maintenance: true });
    expect((await served.get("blog", "/")).status).toBe(503);
    await updateSite(ctx, owner.actor, "blog", { maintenance: false, password: "open sesame" });
    expect((await served.get("blog", "/")).status).toBe(401);
    const authorization = `Basic ${btoa("x:open sesame")}`;
    const before = served.quickAnswers();
    for (let n = 0; n < 3; n += 1) {
      const answer = await served.get("blog", "/app.3f2a9c1b.js", { authorization });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    }
    expect(served.quickAnswers()).toBe(before);
    await updateSite(ctx, owner.actor, "blog", { protection: "none" });
    expect(await text(served, "blog")).toBe(page(1));
  });
});

test("while releases happen, every answer is of one deploy that was live, and none is older than one seen before", async () => {
  await using served = await serveSites();
  await served.site("blog");
  await served.deploy("blog", release(0));
  let live = 0;
  const visits = new AbortController();
  const visitor = async (path: string): Promise<void> => {
    while (!visits.signal.aborted) {
      const least = live;
      const body = await text(served, "blog", path);
      const n = Number(/\d+/.exec(body)?.[0]);
      expect(n).toBeGreaterThanOrEqual(least);
      const [index, app, style] = Object.values(release(n));
      expect([index, app, style]).toContain(body);
    }
  };
  const visitors = ["/", "/app.js", "/style.css", "/"].map((path) => visitor(path));
  for (let n = 1; n <= 20; n += 1) {
    await served.deploy("blog", release(n));
    served.ctx.pass(2000);
    live = n;
  }
  visits.abort();
  await Promise.all(visitors);
  expect(await text(served, "blog")).toBe(page(20));
}, 60_000);

describe("limits per visitor", () => {
  test("count per address and site, also what comes from memory", async () => {
    await using served = await serveSites({ "sites.requestsPerMinute": 5 });
    await served.site("blog");
    await served.site("shop");
    for (const site of ["blog", "shop"]) await served.deploy(site, release(1));
    served.ctx.pass(5000);
    for (let n = 0; n < 10; n += 1) expect((await served.get("blog", "/")).status).toBe(200);
    served.setAddress("203.0.113.7");
    for (let n = 0; n < 5; n += 1) expect((await served.get("blog", "/")).status).toBe(200);
    const refused = await served.get("blog", "/");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("12");
    expect((await served.get("shop", "/")).status).toBe(200);
    served.setAddress("203.0.113.8");
    expect((await served.get("blog", "/")).status).toBe(200);
    served.setAddress("203.0.113.7");
    served.ctx.pass(12_000);
    expect((await served.get("blog", "/")).status).toBe(200);
    expect(served.visits.filter(({ status }) => status === 429)).toHaveLength(1);
  });

  test("are off where rate limits are", async () => {
    await using served = await serveSites({ "sites.requestsPerMinute": 1, rateLimit: "off" });
    await served.site("blog");
    await served.deploy("blog", release(1));
    served.setAddress("203.0.113.7");
    for (let n = 0; n < 5; n += 1) expect((await served.get("blog", "/")).status).toBe(200);
  });
});

describe("variants", () => {
  const files = {
    "index.html": Array.from({ length: 300 }, (_, n) => `<p>${Math.sin(n)}</p>`).join("\n"),
    "noise.txt": Buffer.from(crypto.getRandomValues(new Uint8Array(4000))),
    "tiny.txt": "tiny",
    "large.json": JSON.stringify({ text: "Some text that gets smaller. ".repeat(40_000) }),
  };

  test("are made after the deploy and take the place of what was made fast", async () => {
    await using served = await serveSites();
    await served.site("blog");
    await served.deploy("blog", files);
    served.ctx.pass(5000);
    const fast = await served.get("blog", "/", { "accept-encoding": "br" });
    await served.sites.settled();
    const best = await served.get("blog", "/", { "accept-encoding": "br" });
    expect(fast.headers.get("content-encoding")).toBe("br");
    expect(best.headers.get("etag")).toEndWith('-br"');
    expect(Number(best.headers.get("content-length"))).toBeLessThanOrEqual(
      Number(fast.headers.get("content-length")),
    );
    const large = await served.get("blog", "/large.json", { "accept-encoding": "zstd" });
    expect(large.headers.get("content-encoding")).toBe("zstd");
    const noise = await served.get("blog", "/noise.txt", { "accept-encoding": "br, gzip" });
    expect(noise.headers.get("content-encoding")).toBe(null);
    const rows = await served.ctx.db.read.select().from(variants);
    expect(rows.filter(({ best: isBest }) => isBest)).toHaveLength(9);
    expect(rows.filter(({ variant }) => variant === null)).toHaveLength(3);
  }, 60_000);

  test("whose bytes are gone are made anew and missed by nobody", async () => {
    await using served = await serveSites();
    await served.site("blog");
    await served.deploy("blog", files);
    await served.sites.settled();
    const rows = await served.ctx.db.read.select().from(variants);
    for (const { variant } of rows) if (variant !== null) await served.ctx.blobs.remove(variant);
    const answer = await served.get("blog", "/", { "accept-encoding": "gzip" });
    expect(answer.status).toBe(200);
    expect(Buffer.from(gunzipSync(await answer.bytes())).toString()).toBe(files["index.html"]);
  }, 60_000);
});

describe("what is wrong inside", () => {
  test("a file whose bytes are gone is a page without a story, and logged", async () => {
    await using served = await serveSites();
    await served.site("blog");
    const id = await served.deploy("blog", release(1));
    expect(isDeployId(id)).toBe(true);
    const [row] = await served.ctx.db.read
      .select()
      .from(deployFileRows)
      .where(eq(deployFileRows.path, "app.js"));
    if (row) await served.ctx.blobs.remove(row.digest);
    const answer = await served.get("blog", "/app.js");
    expect(answer.status).toBe(500);
    const body = await answer.text();
    expect(body).toContain("Something went wrong");
    expect(body).not.toContain("sha256");
    expect(served.ctx.logged.join("")).toContain("site failed");
    expect(await text(served, "blog")).toBe(page(1));
  });

  test("memory for files is bounded, and each is right all the same", async () => {
    await using served = await serveSites({ "sites.cacheBytes": 50_000 });
    await served.site("blog");
    const many = Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [`f${n}.txt`, `${n} `.repeat(1500)]),
    );
    await served.deploy("blog", many);
    served.ctx.pass(5000);
    for (let round = 0; round < 3; round += 1)
      for (const [path, content] of Object.entries(many))
        expect(await text(served, "blog", `/${path}`)).toBe(content);
  });
});
