import { expect, test } from "bun:test";

import { problemOf } from "#test/registry/api.ts";
import { signUp } from "#test/support/people.ts";
import { startTraffic } from "#traffic/record.ts";

import { openLogsWorld } from "./logs-world.ts";

test("who may read traffic and logs", async () => {
  await using world = await openLogsWorld();
  const { root, ada } = world.people;
  const eve = await signUp(world.ctx, "eve");
  const callers = {
    nobody: undefined,
    "eve, no member": eve,
    "ada, viewer": ada,
    "root, admin": root,
    "ada's site:blog": await world.keyOf(ada, "site:blog"),
    "ada's stats:blog": await world.keyOf(ada, "stats:blog"),
    "ada's deploy:blog": await world.keyOf(ada, "deploy:blog"),
    "ada's stats:shop": await world.keyOf(ada, "stats:shop"),
    "ada's read": await world.keyOf(ada, "read"),
  };
  const table: string[] = [];
  for (const [who, caller] of Object.entries(callers)) {
    const abort = new AbortController();
    const told: string[] = [];
    for (const path of ["traffic", "traffic?format=csv", "logs", "logs?follow=1"]) {
      const answer = await world.get(`/sites/blog/${path}`, caller, { signal: abort.signal });
      told.push(answer.ok ? "200" : await problemOf(answer));
      if (answer.ok) await answer.body?.cancel();
    }
    abort.abort();
    expect(told[0]).toBe(told[1] ?? "");
    expect(told[2]).toBe(told[3] ?? "");
    table.push(`${who}: traffic ${told[0]}, logs ${told[2]}`);
  }
  expect(table).toEqual([
    "nobody: traffic 401 unauthenticated, logs 401 unauthenticated",
    "eve, no member: traffic 404 site_not_found, logs 404 site_not_found",
    "ada, viewer: traffic 200, logs 200",
    "root, admin: traffic 200, logs 200",
    "ada's site:blog: traffic 200, logs 200",
    "ada's stats:blog: traffic 200, logs 403 scope_missing",
    "ada's deploy:blog: traffic 403 scope_missing, logs 403 scope_missing",
    "ada's stats:shop: traffic 403 scope_missing, logs 403 scope_missing",
    "ada's read: traffic 403 scope_missing, logs 403 scope_missing",
  ]);
});

test("traffic is answered as JSON and as files", async () => {
  await using world = await openLogsWorld();
  const { ctx, people } = world;
  const traffic = startTraffic(ctx);
  traffic.note({
    siteId: 1,
    method: "GET",
    path: "/",
    status: 200,
    bytes: 5,
    isPage: true,
    address: () => "192.0.2.1",
    userAgent: "Mozilla/5.0 Firefox/140.0",
    referrer: null,
    host: "blog.localhost",
  });
  await traffic.stop();
  const json = await world.get("/sites/blog/traffic", people.ada);
  expect(await json.json()).toMatchObject({ total: { requests: 1, bytes: 5, visitors: 1 } });
  const csv = await world.get("/sites/blog/traffic?format=csv&days=2", people.ada);
  expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(csv.headers.get("content-disposition")).toBe('attachment; filename="blog-traffic.csv"');
  expect(await csv.text()).toContain("2026-03-01,,path,/,1,,,5,\r\n");
  const lines = await world.get("/sites/blog/traffic?format=ndjson", people.ada);
  expect(lines.headers.get("content-type")).toBe("application/x-ndjson");
  expect((await lines.text()).trimEnd().split("\n")).toHaveLength(3);
  for (const query of ["days=0", "days=401", "days=x", "days=1e1", "format=xml"])
    expect(await problemOf(world.get(`/sites/blog/traffic?${query}`, people.ada))).toBe(
      "422 invalid_input",
    );
});
