import { expect, test } from "bun:test";

import { codeOf } from "#test/support/people.ts";
import { exportTraffic } from "#traffic/export.ts";
import { readTraffic } from "#traffic/series.ts";

import { openWorld, VISIT } from "./world.ts";

const DAY_MS = 86_400_000;

test("a series has no gaps, and its total is the sum of its days", async () => {
  await using world = await openWorld();
  const { ctx, traffic, visit } = world;
  visit({ path: "/old" });
  await traffic.flush();
  ctx.pass(3 * DAY_MS);
  visit();
  visit({ path: "/a", isPage: false, bytes: 7, referrer: "https://news.example/x" });
  visit({ siteId: 2, path: "/others" });
  visit({ userAgent: "curl/8" });
  await traffic.flush();
  ctx.pass(3_600_000);
  visit({ path: "/a", status: 404, bytes: 5 });
  await traffic.flush();
  const shown = await readTraffic(ctx, 1, 4);
  expect(shown.days.map(({ day, requests }) => `${day} ${requests}`)).toEqual([
    "2026-03-01 1",
    "2026-03-02 0",
    "2026-03-03 0",
    "2026-03-04 3",
  ]);
  expect(shown).toMatchObject({
    from: "2026-03-01",
    to: "2026-03-04",
    total: { requests: 4, pages: 2, visitors: 2, bytes: 212, bots: 1 },
    paths: [
      { item: "/a", count: 2, bytes: 12 },
      { item: "/", count: 1, bytes: 100 },
      { item: "/old", count: 1, bytes: 100 },
    ],
    referrers: [{ item: "news.example", count: 1, bytes: 7 }],
    statuses: [
      { item: "200", count: 3, bytes: 207 },
      { item: "404", count: 1, bytes: 5 },
    ],
    countries: [],
  });
  expect(shown.hours).toHaveLength(48);
  expect(shown.hours.at(-1)).toMatchObject({ hour: "2026-03-04T13:00:00.000Z", requests: 1 });
  expect(shown.hours.at(-2)).toMatchObject({ hour: "2026-03-04T12:00:00.000Z", requests: 2 });
  expect(shown.hours.at(-3)?.requests).toBe(0);
  const today = await readTraffic(ctx, 1, 1);
  expect([today.from, today.total.requests, today.days.length]).toEqual(["2026-03-04", 3, 1]);
});

test("at most fifty items of a kind are told, the most frequent first", async () => {
  await using world = await openWorld();
  for (let n = 0; n < 80; n += 1)
    for (let times = 0; times <= n; times += 1) world.visit({ path: `/${n}` });
  await world.traffic.flush();
  const { paths } = await readTraffic(world.ctx, 1, 1);
  expect(paths).toHaveLength(50);
  expect(paths[0]).toEqual({ item: "/79", count: 80, bytes: 8000 });
});

test.each([0, -1, 1.5, Number.NaN, 401, 1e9])("%p days are refused", async (days) => {
  await using world = await openWorld();
  expect(await codeOf(() => readTraffic(world.ctx, 1, days))).toBe("invalid_input");
  expect(await codeOf(() => exportTraffic(world.ctx, 1, days, "csv"))).toBe("invalid_input");
});

test("no more days are told than are kept", async () => {
  await using world = await openWorld({ "traffic.days": 30 });
  expect((await readTraffic(world.ctx, 1, 31)).days).toHaveLength(30);
  expect(await codeOf(() => readTraffic(world.ctx, 1, 401))).toBe("invalid_input");
  expect((await readTraffic(world.ctx, 1, 30)).days).toHaveLength(30);
});

/** A reader of CSV by the grammar of RFC 4180, for round trips. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (!match) throw new Error("not CSV");
    rows.at(-1)?.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "\r\n") rows.push([]);
  }
  rows.pop();
  return rows;
}

test("an export holds every count, in both formats", async () => {
  await using world = await openWorld();
  const { ctx, traffic, visit } = world;
  const odd = ['/a,b"c"', "/line\r\nbreak", "/ä €", "//"];
  for (const path of odd) visit({ path });
  await traffic.flush();
  ctx.pass(2 * DAY_MS);
  visit({ userAgent: "curl/8" });
  visit({ siteId: 2, path: "/others" });
  await traffic.flush();
  const lines = await new Response(exportTraffic(ctx, 1, 400, "ndjson")).text();
  const rows = lines
    .trimEnd()
    .split("\n")
    .map((line): Record<string, string | number | null> => JSON.parse(line));
  expect(rows).toHaveLength(1 + odd.length + 1 + 1);
  expect(rows[0]).toEqual({
    day: "2026-03-01",
    hour: "2026-03-01T12:00:00.000Z",
    kind: "hour",
    item: null,
    requests: 4,
    pages: 4,
    visitors: 1,
    bytes: 4 * VISIT.bytes,
    bots: 0,
  });
  expect(rows.at(-1)).toMatchObject({ day: "2026-03-03", kind: "hour", requests: 0, bots: 1 });
  const [head, ...records] = parseCsv(await new Response(exportTraffic(ctx, 1, 400, "csv")).text());
  expect(head).toEqual(Object.keys(rows[0] ?? {}));
  expect(records).toEqual(
    rows.map((row) => Object.values(row).map((value) => (value === null ? "" : String(value)))),
  );
});

test.each(["=HYPERLINK(1)", "+1+1", "-1+1", "@SUM(A1)"])(
  "a spreadsheet takes %s for no formula",
  async (path) => {
    await using world = await openWorld();
    world.visit({ path });
    await world.traffic.flush();
    const csv = await new Response(exportTraffic(world.ctx, 1, 1, "csv")).text();
    expect(csv).toContain(`,path,'${path},`);
    expect(csv).not.toContain(`,${path}`);
    const lines = await new Response(exportTraffic(world.ctx, 1, 1, "ndjson")).text();
    expect(lines).toContain(JSON.stringify(path));
  },
);

test("a site without traffic exports an empty file", async () => {
  await using world = await openWorld();
  expect(await new Response(exportTraffic(world.ctx, 3, 30, "ndjson")).text()).toBe("");
});
