import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { once } from "node:events";

import { BridgeError } from "#bridge/model.ts";

import { type Asked, socketWorld, until } from "./sockets-world.ts";

const MB = 1024 * 1024;

test("a message over the limit closes with 1009, one at the limit comes whole", async () => {
  await using world = await socketWorld({ config: { "functions.socketMessageBytes": 1000 } });
  const fits = await world.open();
  fits.ws.send("x".repeat(1000));
  await until(() => world.asked.some(({ text }) => text.length === 1000));
  fits.ws.send("x".repeat(1001));
  expect((await fits.closed).code).toBe(1009);
  await until(() => world.sockets.count(1) === 0);
});

test("a bomb of compressed bytes counts as what it unpacks to", async () => {
  await using world = await socketWorld();
  const { ws, closed } = await world.open();
  expect(ws.extensions).toContain("permessage-deflate");
  ws.send("x".repeat(64 * MB));
  expect((await closed).code).toBe(1009);
});

test("a visitor who sends faster than the program takes is read no further", async () => {
  const held: (() => void)[] = [];
  await using world = await socketWorld({
    call: ({ name }: Asked) =>
      name === "socket.message"
        ? new Promise<void>((resolve) => void held.push(resolve))
        : undefined,
  });
  const { ws } = await world.open();
  const other = await world.open();
  await until(() => world.asked.length === 2);
  const before = process.memoryUsage().rss;
  const big = new Uint8Array(randomBytes(256 * 1024));
  for (let n = 0; n < 80; n += 1) ws.send(big);
  other.ws.send("hello");
  await until(() => held.length === 2);
  await Bun.sleep(100);
  // What the client could not send lies in its own memory, in this same process.
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * MB);
  const whole = () => world.asked.filter(({ name }) => name === "socket.message").length;
  while (whole() < 81 || held.length > 0) {
    held.shift()?.();
    await Bun.sleep(1);
  }
  expect(world.sockets.count(1)).toBe(2);
});

test("endless small messages without a program that takes them end in 1013", async () => {
  await using world = await socketWorld({
    call: ({ name }: Asked) =>
      name === "socket.message"
        ? Bun.sleep(600).then(() => Promise.reject(new BridgeError("wall_limit", "late")))
        : undefined,
  });
  const { tcp } = await world.raw();
  await until(() => world.asked.length === 1);
  // Empty text messages, masked with zeros: 6 bytes each, as many as one read takes.
  const flood = Buffer.concat(
    Array.from({ length: 100_000 }, () => Buffer.from([0x81, 0x80, 0, 0, 0, 0])),
  );
  tcp.resume();
  for (let n = 0; n < 20; n += 1) tcp.write(flood);
  await Bun.sleep(300);
  // It is either not read any more or closed; the line is bounded both ways.
  expect(world.asked.length).toBeLessThan(5);
  tcp.destroy();
  await until(() => world.sockets.count(1) === 0);
});

test("who reads too slowly is cut off, and others get everything", async () => {
  await using world = await socketWorld();
  const slow = await world.raw();
  const quick = await world.open();
  await until(() => world.asked.length === 2);
  const before = process.memoryUsage().rss;
  const message = new Uint8Array(256 * 1024);
  let sent = 0;
  while (world.sockets.count(1) === 2) {
    world.note("socket.publish", { topic: "", text: false }, message);
    sent += 1;
    await until(() => quick.got.length === sent);
  }
  expect(sent * message.length).toBeLessThan(32 * MB);
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * MB);
  await until(() => world.asked.length === 3);
  expect(world.asked[2]).toMatchObject({ name: "socket.close", code: 1013, reason: "too slow" });
  expect(quick.got).toHaveLength(sent);
  slow.tcp.destroy();
});

test("a site whose visitors read nothing keeps so much and no more", async () => {
  await using world = await socketWorld({ handles: false });
  const slow = await Promise.all(Array.from({ length: 60 }, () => world.raw()));
  const other = await world.open("/ws?site=2");
  const before = process.memoryUsage().rss;
  const message = new Uint8Array(MB);
  for (let n = 0; n < 8; n += 1) {
    world.note("socket.publish", { topic: "", text: false }, message);
    world.note("socket.publish", { topic: "", text: true }, String(n), world.tenant(2));
    await until(() => other.got.length === n + 1);
  }
  await until(() => world.sockets.count(1) < 60);
  expect(process.memoryUsage().rss - before).toBeLessThan(350 * MB);
  for (const { tcp } of slow) tcp.destroy();
});

test("a program that floods is cut short, and the owner is told", async () => {
  await using world = await socketWorld({ handles: false });
  const { got } = await world.open();
  await until(() => world.sockets.count(1) === 1);
  const line = "x".repeat(1000);
  for (let n = 0; n < 50_000; n += 1) world.note("socket.publish", { topic: "", text: true }, line);
  await until(() => world.told.length === 1);
  expect(world.told[0]).toMatch(/^\d+ WebSocket messages were dropped/);
  expect(got.length).toBeLessThan(20_000);
});

test("a socket in too many topics is in no more, and the owner is told", async () => {
  await using world = await socketWorld();
  const { got } = await world.open();
  await until(() => world.asked.length === 1);
  const id = world.asked[0]?.socket.id;
  for (let n = 0; n < 103; n += 1) world.note("socket.subscribe", { id, topic: `t${n}` });
  for (const topic of ["t0", "t99", "t100"])
    world.note("socket.publish", { topic, text: true }, topic);
  await until(() => got.length === 2);
  expect(got).toEqual(["t0", "t99"]);
  await until(() => world.told.length === 1);
  expect(world.told).toEqual([
    "3 subscriptions were refused: a WebSocket is in at most 100 topics",
  ]);
});

test("notes by hand do nothing that is not meant", async () => {
  await using world = await socketWorld();
  const { got } = await world.open();
  await until(() => world.asked.length === 1);
  const id = world.asked[0]?.socket.id;
  const odd: unknown[] = [
    null,
    1,
    "x",
    [],
    {},
    { id: 1 },
    { id: {} },
    { id: "x".repeat(1e5) },
    { __proto__: null },
  ];
  for (const name of Object.keys(world.sockets.binding.notes ?? {}))
    for (const params of odd) world.note(name, params, "odd");
  for (const topic of ["", 1, null, "x".repeat(300)]) world.note("socket.subscribe", { id, topic });
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 5000, 1.5, "1000", NaN])
    world.note("socket.close", { id: "nobody", code });
  world.note("socket.send", { id, text: true }, Buffer.from([0xff, 0xfe]));
  await until(() => got.length === 1);
  expect(got).toEqual(["\ufffd\ufffd"]);
});

test("a broadcast to many leaves others their turn", async () => {
  await using world = await socketWorld({ handles: false });
  const clients = await Promise.all(Array.from({ length: 400 }, () => world.open()));
  for (let n = 0; n < 50; n += 1)
    world.note("socket.publish", { topic: "", text: true }, String(n));
  let longestMs = 0;
  while (clients.some(({ got }) => got.length < 50)) {
    const at = performance.now();
    await Bun.sleep(0);
    longestMs = Math.max(longestMs, performance.now() - at);
  }
  expect(longestMs).toBeLessThan(500);
  const expected = Array.from({ length: 50 }, (_, n) => String(n));
  for (const { got } of clients) expect(got).toEqual(expected);
});

test("who does not answer a ping is gone, who does stays", async () => {
  await using world = await socketWorld({ idleSeconds: 8 });
  const silent = await world.raw();
  const alive = await world.open();
  await until(() => world.asked.length === 2);
  const gone = once(silent.tcp, "close");
  // The client of a test answers pings by itself.
  silent.tcp.resume();
  await gone;
  await until(() => world.asked.length === 3);
  expect(world.asked[2]).toMatchObject({ name: "socket.close", code: 1006 });
  expect(alive.ws.readyState).toBe(WebSocket.OPEN);
  expect(world.sockets.count(1)).toBe(1);
}, 30_000);
