import { expect, test } from "bun:test";

import { addVisit, createTally } from "#traffic/tally.ts";
import type { Visit } from "#traffic/visit.ts";

const visit: Visit = {
  siteId: 1,
  method: "GET",
  path: "/",
  status: 200,
  bytes: 10,
  isPage: true,
  address: "192.0.2.1",
  userAgent: "Mozilla/5.0",
  referrer: null,
  host: "blog.example.com",
};
const LONG = "x".repeat(16_000);

test("a site with one visit keeps no more of its words than is told of them", () => {
  const tally = createTally(0);
  addVisit(tally, {
    ...visit,
    path: `/${LONG}`,
    userAgent: LONG,
    referrer: `https://example.org/${LONG}`,
  });
  expect(JSON.stringify([...tally.singles.values()]).length).toBeLessThan(1500);
});

test("the same visit is counted, another opens the site, and nothing is lost", () => {
  const tally = createTally(0);
  for (let times = 0; times < 3; times += 1) addVisit(tally, { ...visit });
  expect(tally.singles.get(1)?.count).toBe(3);
  addVisit(tally, { ...visit, path: "/b" });
  expect(tally.singles.size).toBe(0);
  expect(tally.sites.get(1)).toMatchObject({ requests: 4, pages: 4, bytes: 40 });
  expect(tally.sites.get(1)?.paths.get("/")).toEqual({ count: 3, bytes: 30 });
});
