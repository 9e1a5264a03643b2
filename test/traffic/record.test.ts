import { expect, test } from "bun:test";

import { sql } from "drizzle-orm";
import * as fc from "fast-check";

import { networkOf } from "#base/address.ts";
import { dropOldTraffic } from "#traffic/retention.ts";
import type { Visit } from "#traffic/visit.ts";

import { FIREFOX, itemsOf, openWorld, rowsOf, SAFARI, VISIT } from "./world.ts";

const DAY_MS = 86_400_000;

type Hour = {
  site_id: number;
  hour: number;
  requests: number;
  pages: number;
  visitors: number;
  bytes: number;
  bots: number;
};

const ADDRESSES = "192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2 2001:db8:1::".split(" ");

const someVisit: fc.Arbitrary<Visit> = fc.record({
  siteId: fc.constantFrom(1, 2, 3),
  method: fc.constantFrom("GET", "HEAD", "POST"),
  path: fc.constantFrom("/", "/a", "/b/c.css", "/ä", "/x?secret=1", `/${"long".repeat(80)}`),
  status: fc.constantFrom(200, 304, 404, 500),
  bytes: fc.nat(100_000),
  isPage: fc.boolean(),
  address: fc.constantFrom(...ADDRESSES).map((text) => () => text),
  userAgent: fc.constantFrom(FIREFOX, SAFARI, "curl/8.5.0", "", null),
  referrer: fc.constantFrom(
    null,
    "",
    "https://blog.localhost/a",
    "http://News.example:8080/item?id=1",
    "https://search.example",
    "android-app://x.y",
  ),
  host: fc.constantFrom("blog.localhost", "blog.example"),
});

/** Either a visit, or so many hours pass. */
const visitOrHours = fc.oneof({ weight: 6, arbitrary: someVisit }, fc.integer({ min: 0, max: 30 }));
const story = fc.array(visitOrHours, { maxLength: 120 });

/** What the tables must hold, counted in the most simple way. */
function countNaively(steps: readonly (Visit | number)[], start: number) {
  let now = start;
  const hours = new Map<string, number[]>();
  const items = new Map<string, [number, number]>();
  const seen = new Set<string>();
  for (const step of steps) {
    if (typeof step === "number") {
      now += step;
      continue;
    }
    const { siteId, userAgent, bytes, status, path, referrer, host } = step;
    const key = `${siteId} ${now}`;
    const hour = hours.get(key) ?? [0, 0, 0, 0, 0];
    hours.set(key, hour);
    const add = (at: number, more: number): void => void (hour[at] = (hour[at] ?? 0) + more);
    if (userAgent === null || userAgent === "" || userAgent.startsWith("curl")) {
      add(4, 1);
      continue;
    }
    add(0, 1);
    if (step.isPage && step.method === "GET" && status < 400) add(1, 1);
    const who = `${Math.floor(now / 24)} ${siteId} ${networkOf(step.address())} ${userAgent}`;
    if (!seen.has(who)) add(2, 1);
    seen.add(who);
    add(3, bytes);
    const named = /^https?:\/\/([^/:]+)/.exec(referrer ?? "")?.[1]?.toLowerCase();
    for (const item of [
      `path ${path.replace("?secret=1", "").slice(0, 200)}`,
      `status ${status}`,
      ...(named === undefined || named === host ? [] : [`referrer ${named}`]),
    ]) {
      const [count, sum] = items.get(`${siteId} ${item}`) ?? [0, 0];
      items.set(`${siteId} ${item}`, [count + 1, sum + bytes]);
    }
  }
  return { hours: Object.fromEntries(hours), items: Object.fromEntries(items) };
}

test("the tables hold exactly what was noted", async () => {
  await fc.assert(
    fc.asyncProperty(story, async (steps) => {
      await using world = await openWorld();
      const { ctx, traffic } = world;
      const start = Math.floor(ctx.now().getTime() / 3_600_000);
      for (const step of steps)
        if (typeof step === "number") {
          await traffic.flush();
          ctx.pass(step * 3_600_000);
        } else traffic.note(step);
      await traffic.flush();
      const hours = await rowsOf<Hour>(ctx, "traffic_hours");
      const items: Record<string, [number, number]> = {};
      for (const id of [1, 2, 3])
        for (const [item, counted] of Object.entries(await itemsOf(ctx, id)))
          items[`${id} ${item}`] = counted;
      const shown = Object.fromEntries(
        hours.map((row) => [
          `${row.site_id} ${row.hour}`,
          [row.requests, row.pages, row.visitors, row.bytes, row.bots],
        ]),
      );
      expect({ hours: shown, items }).toEqual(countNaively(steps, start));
    }),
    { numRuns: 25 },
  );
});

test("a visitor counts once a day and site, in the hour of the first visit, and anew the next day", async () => {
  await using world = await openWorld();
  const { ctx, traffic, visit } = world;
  visit();
  await traffic.flush();
  ctx.pass(3_600_000);
  visit({ path: "/again" });
  visit({ siteId: 2 });
  await traffic.flush();
  ctx.pass(DAY_MS);
  visit();
  await traffic.flush();
  const hours = await world.rows<Hour>("traffic_hours");
  expect(hours.map(({ site_id, visitors }) => [site_id, visitors])).toEqual([
    [1, 1],
    [1, 0],
    [1, 1],
    [2, 1],
  ]);
  const salts = await world.rows<{ salt: Uint8Array }>("traffic_salts");
  expect(new Set(salts.map(({ salt }) => Buffer.from(salt).toString("hex"))).size).toBe(2);
  const hashes = await world.rows<{ hash: number }>("traffic_visitors");
  expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(3);
});

test("neither addresses nor user agents nor paths of referrers nor queries are stored", async () => {
  await using world = await openWorld();
  const { ctx, traffic, visit } = world;
  visit({
    address: () => "2001:db8:cafe:f00d::17",
    userAgent: `${FIREFOX} canary-agent`,
    path: "/page?token=canary-query",
    referrer: "https://canary-user:canary-password@other.example/canary-path?canary-search",
  });
  visit({
    address: () => "198.51.100.77",
    referrer: "https://plain.example/canary-path#canary-hash",
  });
  visit({ referrer: "https://open.example?canary-search" });
  await traffic.flush();
  const tables = await ctx.db.read.all<{ name: string }>(
    sql`SELECT name FROM sqlite_master WHERE type = 'table'`,
  );
  let text = "";
  for (const { name } of tables) text += JSON.stringify(await rowsOf(ctx, name));
  expect(text).toContain("plain.example");
  expect(text).toContain("/page");
  expect(text).not.toMatch(/canary|cafe|f00d|198\.51|Firefox/);
  const files = await Promise.all(
    ["land.db", "land.db-wal"].map((name) => Bun.file(`${ctx.config.data}/${name}`).text()),
  );
  expect(files.join("")).toContain("plain.example");
  expect(files.join("")).not.toMatch(/canary|cafe:f00d|198\.51\.100|Firefox/);
});

test("bots count apart and in nothing else", async () => {
  await using world = await openWorld();
  for (let n = 0; n < 5; n += 1)
    world.visit({ userAgent: "curl/8.5.0", referrer: "https://x.example/" });
  world.visit({ userAgent: null });
  await world.traffic.flush();
  expect(await world.rows<Hour>("traffic_hours")).toMatchObject([
    { requests: 0, pages: 0, visitors: 0, bytes: 0, bots: 6 },
  ]);
  expect(await world.rows("traffic_items")).toEqual([]);
  expect(await world.rows("traffic_visitors")).toEqual([]);
});

test("a thousand paths and referrers a day are told apart, the rest is summed up", async () => {
  await using world = await openWorld();
  const { ctx, traffic, visit } = world;
  for (let n = 0; n < 3000; n += 1) {
    visit({ path: `/p${n}`, referrer: `https://r${n}.example/` });
    if (n % 400 === 0) await traffic.flush();
  }
  await traffic.flush();
  visit({ path: "/p0" });
  visit({ path: "/late" });
  visit({ siteId: 2, path: "/p2999" });
  await traffic.flush();
  const items = await itemsOf(ctx, 1);
  const paths = Object.keys(items).filter((item) => item.startsWith("path "));
  expect(paths).toHaveLength(1001);
  expect(items["path /p0"]?.[0]).toBe(2);
  expect(items["path /late"]).toBeUndefined();
  expect(items["path (other)"]?.[0]).toBe(2001);
  expect(items["referrer (other)"]?.[0]).toBe(2000);
  expect(await itemsOf(ctx, 2)).toHaveProperty("path /p2999");
  ctx.pass(DAY_MS);
  visit({ path: "/late" });
  await traffic.flush();
  expect(await itemsOf(ctx, 1)).toHaveProperty("path /late");
});

test("a million visits that are all different stay within bounds, and none is lost", async () => {
  await using world = await openWorld();
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  const filler = "x".repeat(2000);
  for (let n = 0; n < 1_000_000; n += 1)
    world.traffic.note({
      ...VISIT,
      siteId: 1 + (n % 3),
      path: `/${n}${n % 50 === 0 ? filler : ""}`,
      address: () => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
      userAgent: `${FIREFOX} ${n % 5000}`,
      referrer: `https://${n}.example/${n}`,
      host: `${n % 3000}.example`,
    });
  Bun.gc(true);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  await world.traffic.flush();
  const hours = await world.rows<Hour>("traffic_hours");
  expect(hours.reduce((sum, { requests }) => sum + requests, 0)).toBe(1_000_000);
  const paths = await itemsOf(world.ctx, 1);
  const counted = Object.entries(paths).filter(([item]) => item.startsWith("path "));
  expect(counted.reduce((sum, [, [count]]) => sum + count, 0)).toBe(333_334);
}, 60_000);

test("what was noted is on disk some time later, by itself", async () => {
  await using world = await openWorld();
  const started = performance.now();
  world.visit();
  while ((await world.rows("traffic_hours")).length === 0) {
    if (performance.now() - started > 10_000) throw new Error("never written");
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test("a write that fails is logged, kept, and written with what came since", async () => {
  await using world = await openWorld();
  const { ctx, traffic, visit } = world;
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      sql`CREATE TRIGGER full BEFORE INSERT ON traffic_items BEGIN SELECT RAISE(ABORT, 'disk is full'); END`,
    );
  });
  visit();
  await traffic.flush();
  visit({ path: "/b", userAgent: "curl/8" });
  visit({ path: "/b" });
  await traffic.flush();
  ctx.pass(3_600_000);
  visit({ path: "/c" });
  await traffic.flush();
  expect(await world.rows("traffic_hours")).toEqual([]);
  expect(await world.rows("traffic_visitors")).toEqual([]);
  expect(ctx.logged.filter((line) => line.includes("traffic not recorded yet"))).toHaveLength(3);
  expect(ctx.logged.join("")).toContain("disk is full");
  await ctx.db.transaction(async (tx) => {
    await tx.run(sql`DROP TRIGGER full`);
  });
  visit({ path: "/c" });
  await traffic.flush();
  const hours = await world.rows<Hour>("traffic_hours");
  expect(hours.map(({ requests, visitors, bots }) => [requests, visitors, bots])).toEqual([
    [2, 1, 1],
    [2, 0, 0],
  ]);
  expect(await itemsOf(ctx, 1)).toEqual({
    "path /": [1, 100],
    "path /b": [1, 100],
    "path /c": [2, 200],
    "status 200": [4, 400],
  });
});

test("visits of a site that was removed meanwhile do not hold up the others", async () => {
  await using world = await openWorld();
  world.visit({ siteId: 1 });
  world.visit({ siteId: 77 });
  await world.ctx.db.transaction(async (tx) => {
    await tx.run(sql`DELETE FROM sites WHERE id = 1`);
  });
  world.visit({ siteId: 2 });
  await world.traffic.flush();
  expect(await world.rows<Hour>("traffic_hours")).toMatchObject([{ site_id: 2, requests: 1 }]);
});

test("after stop nothing is noted, and what was is written", async () => {
  await using world = await openWorld();
  world.visit();
  await world.traffic.stop();
  world.visit();
  await world.traffic.flush();
  expect(await world.rows<Hour>("traffic_hours")).toMatchObject([{ requests: 1 }]);
});

test("counts end with traffic.days, visitors and salts after two days", async () => {
  await using world = await openWorld({ "traffic.days": 10 });
  const { ctx, traffic, visit } = world;
  for (let day = 0; day < 14; day += 1) {
    visit();
    await traffic.flush();
    ctx.pass(DAY_MS);
  }
  visit();
  await traffic.flush();
  await dropOldTraffic(ctx);
  expect(await world.rows("traffic_hours")).toHaveLength(10);
  expect(await world.rows("traffic_items")).toHaveLength(20);
  expect(await world.rows("traffic_visitors")).toHaveLength(2);
  expect(await world.rows("traffic_salts")).toHaveLength(2);
});
