import { expect, test } from "bun:test";

import { sql } from "drizzle-orm";

import type { LogPage } from "#sites/model.ts";
import { parseObject } from "#test/support/people.ts";

import { openLogsWorld } from "./logs-world.ts";

const DAY_MS = 86_400_000;

async function page(answer: Response): Promise<LogPage> {
  expect(answer.status).toBe(200);
  return JSON.parse(await answer.text());
}

test("requests, deploys and domains are told newest first, without who came", async () => {
  await using world = await openLogsWorld();
  const { ctx, logs, people, request } = world;
  request({ path: "/a?token=canary", userAgent: "canary", address: () => "198.51.100.9" });
  request({ path: "/missing\u202e", status: 404, referrer: "https://canary.example/" });
  request({ status: 503, siteId: 2 });
  ctx.hooks.emit("deploy.finished", {
    site: "blog",
    deploy: "abcdefghij",
    user: "ada",
    live: true,
  });
  ctx.hooks.emit("deploy.released", {
    site: "blog",
    deploy: "abcdefghij",
    user: "ada",
    rollback: false,
  });
  ctx.hooks.emit("deploy.released", {
    site: "blog",
    deploy: "0123456789",
    user: "ada",
    rollback: true,
  });
  ctx.hooks.emit("domain.verified", { site: "blog", host: "blog.example" });
  ctx.hooks.emit("domain.removed", { site: "blog", host: "blog.example" });
  ctx.hooks.emit("domain.removed", { site: "gone", host: "gone.example" });
  await logs.flush();
  const { items, next } = await page(await world.get("/sites/blog/logs", people.ada));
  expect(items.map(({ level, kind, message }) => `${level} ${kind} ${message}`).toSorted()).toEqual(
    [
      "info deploy ada deployed abcdefghij",
      "info deploy ada released abcdefghij",
      "info deploy ada went back to 0123456789",
      "info domain blog.example is verified and leads here",
      "info domain blog.example leads here no more",
      "info request GET /a 200",
      "warn request GET /missing\uFFFD 404",
    ],
  );
  expect(items.map(({ id }) => id)).toEqual(items.map(({ id }) => id).toSorted((a, b) => b - a));
  expect(items.find(({ message }) => message === "GET /a 200")).toMatchObject({
    at: ctx.now().toISOString(),
    requestId: "request-id",
    data: { method: "GET", path: "/a", status: 200, bytes: 100 },
  });
  expect(next).toBeNull();
  const all = JSON.stringify(await ctx.db.read.all(sql`SELECT * FROM site_logs`));
  expect(all).not.toMatch(/canary|198\.51|Firefox/);
});

test("lists page, and are narrowed by level and kind", async () => {
  await using world = await openLogsWorld();
  const { ctx, logs, people } = world;
  for (let n = 0; n < 6; n += 1) {
    world.request({ path: `/${n}`, status: [200, 404, 500][n % 3] ?? 0 });
    ctx.pass(1000);
  }
  logs.note({ site: "blog", level: "debug", kind: "program", message: "hello" });
  await logs.flush();
  const messages = async (query: string): Promise<string[]> =>
    (await page(await world.get(`/sites/blog/logs?${query}`, people.ada))).items.map(
      ({ message }) => message,
    );
  expect(await messages("kind=request&level=error")).toEqual(["GET /5 500", "GET /2 500"]);
  expect(await messages("level=warn")).toHaveLength(4);
  expect(await messages("level=debug")).toHaveLength(7);
  expect(await messages("kind=program")).toEqual(["hello"]);
  const first = await page(await world.get("/sites/blog/logs?limit=4", people.ada));
  const rest = await page(
    await world.get(`/sites/blog/logs?limit=4&cursor=${first.next}`, people.ada),
  );
  expect([...first.items, ...rest.items].map(({ message }) => message)).toEqual(await messages(""));
  expect(rest.next).toBeNull();
  for (const query of ["level=loud", "kind=x", "limit=0", "cursor=x"])
    expect((await world.get(`/sites/blog/logs?${query}`, people.ada)).status).toBe(422);
});

test("a flood of requests is summed up, with those that failed told first", async () => {
  await using world = await openLogsWorld();
  for (let n = 0; n < 4392; n += 1) world.request({ path: `/${n}` });
  for (let n = 0; n < 20; n += 1) world.request({ path: `/broken${n}`, status: 500 });
  world.request({ siteId: 2, path: "/quiet" });
  await world.logs.flush();
  const lines = await world.lines();
  expect(lines).toHaveLength(101);
  expect(lines.filter((line) => line.startsWith("error request GET /broken"))).toHaveLength(20);
  expect(lines.at(-1)).toBe("info request … 4,312 more requests");
  expect(await world.lines(2)).toEqual(["info request GET /quiet 200"]);
});

test("a program that writes without end is held to its share", async () => {
  await using world = await openLogsWorld();
  for (let n = 0; n < 10_000; n += 1)
    world.logs.note({
      site: 1,
      level: "info",
      kind: "program",
      message: `\u001b[2J${"x".repeat(100_000)}`,
      data: { big: "y".repeat(n === 0 ? 100_000 : 1) },
    });
  await world.logs.flush();
  const lines = await world.lines();
  expect(lines).toHaveLength(501);
  expect(lines.at(-1)).toBe("info program … 9,500 more lines");
  expect(lines[0]?.length).toBeLessThan(8100);
  expect(lines.join("")).not.toContain("\u001b");
});

test("ten thousand sites at once stay within bounds, and none loses its count", async () => {
  await using world = await openLogsWorld();
  const ids = JSON.stringify(Array.from({ length: 10_000 }, (_, n) => n + 10));
  await world.ctx.db.transaction(async (tx) => {
    await tx.run(sql`INSERT INTO sites (id, name, created_at, updated_at)
      SELECT value, 's' || value, 0, 0 FROM json_each(${ids})`);
  });
  for (let n = 0; n < 50_000; n += 1) world.request({ siteId: 10 + (n % 10_000) });
  const count = async (): Promise<number> => {
    const rows = await world.ctx.db.read.all<{ data: string; message: string }>(
      sql`SELECT data FROM site_logs`,
    );
    return rows.reduce((sum, { data }) => sum + Number(parseObject(data)["more"] ?? 1), 0);
  };
  await world.logs.flush();
  const rows = await world.ctx.db.read.all(sql`SELECT id FROM site_logs`);
  expect(rows.length).toBeLessThan(5000);
  for (let n = 0; n < 10; n += 1) await world.logs.flush();
  expect(await count()).toBe(50_000);
});

test("the ring keeps logs.lines of a site and a tenth more, and drops what is older than logs.days", async () => {
  await using world = await openLogsWorld({ "logs.lines": 50, "logs.days": 3 });
  const { ctx, logs } = world;
  world.request({ siteId: 2 });
  for (let n = 0; n < 40; n += 1) {
    for (let m = 0; m < 7; m += 1) world.request({ path: `/${n}-${m}` });
    await logs.flush();
    expect((await world.lines()).length).toBeLessThanOrEqual(55);
  }
  const lines = await world.lines();
  expect(lines.length).toBeGreaterThanOrEqual(50);
  expect(lines.at(-1)).toBe("info request GET /39-6 200");
  expect(await world.lines(2)).toHaveLength(1);
  ctx.pass(2 * DAY_MS);
  world.request({ siteId: 2, path: "/later" });
  await logs.flush();
  ctx.pass(2 * DAY_MS);
  const { dropOldLines } = await import("#sites/logs/logs-write.ts");
  await dropOldLines(ctx);
  expect(await world.lines()).toEqual([]);
  expect(await world.lines(2)).toEqual(["info request GET /later 200"]);
});

test("a write that fails is kept and tried again", async () => {
  await using world = await openLogsWorld();
  await world.ctx.db.transaction(async (tx) => {
    await tx.run(
      sql`CREATE TRIGGER full BEFORE INSERT ON site_logs BEGIN SELECT RAISE(ABORT, 'disk is full'); END`,
    );
  });
  world.request({ path: "/first" });
  await world.logs.flush();
  world.request({ path: "/second" });
  await world.ctx.db.transaction(async (tx) => {
    await tx.run(sql`DROP TRIGGER full`);
  });
  await world.logs.flush();
  expect(await world.lines()).toEqual([
    "info request GET /first 200",
    "info request GET /second 200",
  ]);
  expect(world.ctx.logged.join("")).toContain("disk is full");
});

test("who reads sees what was noted before; where it cannot be written, reading does not try it again and again", async () => {
  await using world = await openLogsWorld();
  const { ctx, people, request } = world;
  const read = async (): Promise<string[]> => {
    const { items } = await page(await world.get("/sites/blog/logs", people.ada));
    return items.map(({ message }) => message);
  };
  request({ path: "/now" });
  expect(await read()).toEqual(["GET /now 200"]);
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      sql`CREATE TRIGGER full BEFORE INSERT ON site_logs BEGIN SELECT RAISE(ABORT, 'disk is full'); END`,
    );
  });
  request({ path: "/later" });
  for (let n = 0; n < 3; n += 1) expect(await read()).toEqual(["GET /now 200"]);
  expect(ctx.logged.filter((line) => line.includes("not written yet"))).toHaveLength(1);
  await ctx.db.transaction(async (tx) => {
    await tx.run(sql`DROP TRIGGER full`);
  });
  await world.logs.flush();
  expect(await read()).toEqual(["GET /later 200", "GET /now 200"]);
});
