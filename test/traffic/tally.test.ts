import { expect, test } from "bun:test";

import {
  addVisit,
  createTally,
  dropSite,
  joinTallies,
  partsOf,
  type Tally,
} from "#traffic/tally.ts";
import type { Visit } from "#traffic/visit.ts";

const visit: Visit = {
  siteId: 1,
  method: "GET",
  path: "/",
  status: 200,
  bytes: 10,
  isPage: true,
  address: () => "192.0.2.1",
  userAgent: "Mozilla/5.0",
  referrer: null,
  host: "blog.example.com",
};
const LONG = "x".repeat(16_000);

const siteOf = (tally: Tally, id: number) => partsOf(tally, 100).next().value?.sites.get(id);

test("the address is asked for where visitors are told apart, and not for programs", () => {
  const tally = createTally(0);
  let asked = 0;
  const address = (): string => `192.0.2.${(asked += 1)}`;
  addVisit(tally, { ...visit, address, userAgent: "curl/8" });
  addVisit(tally, { ...visit, address, userAgent: null });
  expect(asked).toBe(0);
  addVisit(tally, { ...visit, address });
  expect(asked).toBe(1);
  expect(siteOf(tally, 1)).toMatchObject({ requests: 1, bots: 2 });
});

test("a tally keeps no more of the words of a visit than is told of them", () => {
  const tally = createTally(0);
  addVisit(tally, {
    ...visit,
    path: `/${LONG}`,
    userAgent: `Mozilla/5.0 ${LONG}`,
    referrer: `https://example.org/${LONG}`,
  });
  expect(tally.texts.texts.join("").length).toBeLessThan(1000);
  expect(siteOf(tally, 1)?.referrers.get("blog.example.com")?.get("example.org")).toEqual({
    count: 1,
    bytes: 10,
  });
});

test("visits of many sites add up, whatever came between", () => {
  const tally = createTally(0);
  for (let times = 0; times < 3; times += 1)
    for (let siteId = 1; siteId <= 1000; siteId += 1) {
      addVisit(tally, { ...visit, siteId, path: "/" });
      addVisit(tally, { ...visit, siteId, path: "/b", status: 404, isPage: false });
      addVisit(tally, { ...visit, siteId, userAgent: "curl/8" });
    }
  const parts = [...partsOf(tally, 300)];
  expect(parts.map(({ sites }) => sites.size)).toEqual([300, 300, 300, 100]);
  for (const { sites } of parts)
    for (const site of sites.values()) {
      expect(site).toMatchObject({ requests: 6, pages: 3, bytes: 60, bots: 3 });
      expect(site.statuses.get(404)).toEqual({ count: 3, bytes: 30 });
      expect(site.paths.get("/b")).toEqual({ count: 3, bytes: 30 });
      expect(site.agents.get("Mozilla/5.0")?.get("192.0.2.1")).toEqual({ count: 6, bytes: 60 });
    }
});

test("one site does not take the room of all, and what finds none is counted among the others", () => {
  const tally = createTally(0);
  for (let n = 0; n < 5000; n += 1)
    addVisit(tally, { ...visit, path: `/${n}`, address: () => `2001:db8::${n}` });
  addVisit(tally, { ...visit, siteId: 2 });
  const site = siteOf(tally, 1);
  expect(site?.requests).toBe(5000);
  expect(site?.paths.size).toBe(1001);
  expect(site?.paths.get("(other)")).toEqual({ count: 4000, bytes: 40_000 });
  expect(siteOf(tally, 2)?.paths.get("/")).toEqual({ count: 1, bytes: 10 });
});

test("what is written is not written again, and what comes later is added to the rest", () => {
  const [first, second] = [createTally(0), createTally(0)];
  for (const tally of [first, second])
    for (const siteId of [1, 2])
      addVisit(tally, { ...visit, siteId, referrer: "https://example.org/x" });
  dropSite(first, 1);
  const joined = joinTallies(first, second);
  expect(siteOf(joined, 1)).toEqual(siteOf(second, 1));
  expect(siteOf(joined, 2)).toMatchObject({ requests: 2, pages: 2, bytes: 20 });
  expect(siteOf(joined, 2)?.agents.get("Mozilla/5.0")?.get("192.0.2.1")?.count).toBe(2);
  expect(siteOf(joined, 2)?.referrers.get("blog.example.com")?.get("example.org")?.count).toBe(2);
});
