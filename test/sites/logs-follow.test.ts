import { expect, test } from "bun:test";

import { sql } from "drizzle-orm";

import { revokeToken } from "#accounts/tokens.ts";
import { followLogs } from "#sites/logs/logs-follow.ts";
import { actorOf, codeOf } from "#test/support/people.ts";

import { type LogsWorld, openLogsWorld } from "./logs-world.ts";

/** Reads a stream of events one read at a time. */
function eventsOf(body: ReadableStream<Uint8Array> | null) {
  const reader = body?.getReader();
  if (!reader) throw new Error("no body");
  const decoder = new TextDecoder();
  const read = async (): Promise<string | undefined> => {
    const { done, value } = await reader.read();
    return done ? undefined : decoder.decode(value);
  };
  return {
    read,
    /** The next messages, each with its id. */
    async lines(): Promise<string[]> {
      const text = (await read()) ?? "";
      return [...text.matchAll(/^id: (\d+)\nevent: line\ndata: (.*)\n\n/gm)].map(
        ([, id, data = ""]) => `${id} ${String(JSON.parse(data).message)}`,
      );
    },
    cancel: () => reader.cancel(),
  };
}

async function follow(world: LogsWorld, query = "", headers: Record<string, string> = {}) {
  const answer = await world.get(`/sites/blog/logs?follow=1${query}`, world.people.ada, {
    headers,
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const events = eventsOf(answer.body);
  expect(await events.read()).toBe(": following\n\n");
  return events;
}

test("a follower gets what is written from now on, of that site and level alone", async () => {
  await using world = await openLogsWorld();
  world.request({ path: "/before" });
  await world.logs.flush();
  const all = await follow(world);
  const errors = await follow(world, "&level=error");
  const [next, failed] = [all.lines(), errors.lines()];
  world.request({ siteId: 2, path: "/other" });
  world.request({ path: "/a" });
  await world.logs.flush();
  expect(await next).toEqual(["3 GET /a 200"]);
  world.request({ path: "/b", status: 500 });
  await world.logs.flush();
  expect(await all.lines()).toEqual(["4 GET /b 500"]);
  expect(await failed).toEqual(["4 GET /b 500"]);
  await all.cancel();
  await errors.cancel();
});

test("a follower of one request gets its lines alone", async () => {
  await using world = await openLogsWorld();
  const events = await follow(world, "&request=one");
  const note = (requestId: string): void =>
    world.logs.note({ site: 1, level: "info", kind: "program", message: requestId, requestId });
  note("other");
  note("one");
  await world.logs.flush();
  expect(await events.lines()).toEqual(["2 one"]);
  await events.cancel();
});

test("a follower that comes again goes on after the last line it saw", async () => {
  await using world = await openLogsWorld();
  for (const path of ["/1", "/2", "/3"]) {
    world.request({ path });
    await world.logs.flush();
  }
  const byHeader = await follow(world, "&after=1", { "last-event-id": "2" });
  expect(await byHeader.lines()).toEqual(["3 GET /3 200"]);
  const byQuery = await follow(world, "&after=1");
  expect(await byQuery.lines()).toEqual(["2 GET /2 200", "3 GET /3 200"]);
  const fromStart = await follow(world, "&after=0");
  expect(await fromStart.lines()).toHaveLength(3);
  for (const events of [byHeader, byQuery, fromStart]) await events.cancel();
  const bad = await world.get("/sites/blog/logs?follow=1&after=x", world.people.ada);
  expect(bad.status).toBe(422);
});

test("a follower that reads slowly costs no memory and gets every line that the ring still has", async () => {
  await using world = await openLogsWorld({ "logs.lines": 100_000 });
  const events = await follow(world);
  for (let n = 0; n < 50; n += 1) {
    for (let m = 0; m < 100; m += 1) world.request({ path: `/${n}-${m}` });
    await world.logs.flush();
  }
  const seen: string[] = [];
  let reads = 0;
  while (seen.length < 5000) {
    const lines = await events.lines();
    expect(lines.length).toBeLessThanOrEqual(100);
    seen.push(...lines);
    reads += 1;
  }
  expect(reads).toBeGreaterThanOrEqual(50);
  expect(new Set(seen).size).toBe(5000);
  expect(seen.at(-1)).toEndWith("GET /49-99 200");
  await events.cancel();
});

test("where nothing happens a comment keeps the connection", async () => {
  await using world = await openLogsWorld();
  const { ada } = world.people;
  const stream = await followLogs(world.ctx, ada.actor, "blog", {
    signal: new AbortController().signal,
    renew: () => Promise.resolve(ada.actor),
    heartbeatMs: 5,
  });
  const events = eventsOf(stream);
  await events.read();
  expect(await events.read()).toBe(": still here\n\n");
  expect(await events.read()).toBe(": still here\n\n");
  await events.cancel();
});

test("it ends with the request and with the server", async () => {
  await using world = await openLogsWorld();
  const abort = new AbortController();
  const answer = await world.get("/sites/blog/logs?follow=1", world.people.ada, {
    signal: abort.signal,
  });
  const aborted = eventsOf(answer.body);
  await aborted.read();
  const waiting = aborted.read().catch(() => undefined);
  abort.abort();
  expect(await waiting).toBeUndefined();
  const events = await follow(world);
  const last = events.read();
  world.logs.endFollowers();
  expect(await last).toBeUndefined();
  const late = await world.get("/sites/blog/logs?follow=1", world.people.ada);
  expect(await late.text()).toBe(": following\n\n");
});

test("it ends within a minute after the right to it", async () => {
  await using world = await openLogsWorld();
  const { ctx, people } = world;
  const key = await world.keyOf(people.ada, "site:blog");
  const answer = await world.get("/sites/blog/logs?follow=1", key);
  const byKey = eventsOf(answer.body);
  await byKey.read();
  const byMember = await follow(world);
  const actor = await actorOf(ctx, key.token);
  await revokeToken(ctx, people.ada.actor, actor.via.kind === "token" ? actor.via.id : "");
  ctx.pass(61_000);
  const [ended, going] = [byKey.read(), byMember.lines()];
  world.request({ path: "/secret" });
  await world.logs.flush();
  expect(await ended).toBeUndefined();
  expect(await going).toEqual(["1 GET /secret 200"]);
  await ctx.db.transaction(async (tx) => {
    await tx.run(sql`DELETE FROM site_members WHERE site_id = 1`);
  });
  ctx.pass(61_000);
  const last = byMember.read();
  world.request({ path: "/secret" });
  await world.logs.flush();
  expect(await last).toBeUndefined();
});

test("twenty follow one log, the next is told to wait, and who left makes room", async () => {
  await using world = await openLogsWorld();
  const { ada, root } = world.people;
  const open = (site: string, who = ada) =>
    followLogs(world.ctx, who.actor, site, {
      signal: new AbortController().signal,
      renew: () => Promise.resolve(who.actor),
    });
  const streams = await Promise.all(Array.from({ length: 20 }, () => open("blog")));
  expect(await codeOf(() => open("blog"))).toBe("rate_limited");
  await (await open("shop", root)).cancel();
  await streams[0]?.cancel();
  await (await open("blog")).cancel();
  for (const stream of streams.slice(1)) await stream.cancel();
});

test("over the wire: lines come at once, and a client that goes makes room", async () => {
  await using world = await openLogsWorld();
  const { ada } = world.people;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    fetch: (request) =>
      world.get(`/sites/blog/logs?follow=1`, ada, {
        method: request.method,
        signal: request.signal,
      }),
  });
  try {
    const head = await fetch(server.url, { method: "HEAD" });
    expect(head.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    // More than may follow at once: each that goes makes room for the next.
    for (let n = 1; n <= 25; n += 1) {
      const abort = new AbortController();
      let answer = await fetch(server.url, { signal: abort.signal });
      while (answer.status === 429) {
        await answer.body?.cancel();
        answer = await fetch(server.url, { signal: abort.signal });
      }
      const events = eventsOf(answer.body);
      expect(await events.read()).toBe(": following\n\n");
      world.request({ path: `/${n}` });
      await world.logs.flush();
      expect(await events.lines()).toEqual([`${n} GET /${n} 200`]);
      abort.abort();
      await events.cancel().catch(() => undefined);
    }
    const last = eventsOf((await fetch(server.url)).body);
    await last.read();
    const ended = last.read();
    world.logs.endFollowers();
    expect(await ended).toBeUndefined();
  } finally {
    await server.stop(true);
  }
});
