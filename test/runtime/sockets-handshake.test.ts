import { expect, test } from "bun:test";

import { readOrigin } from "#runtime/sockets/handshake.ts";

import { socketWorld, until } from "./sockets-world.ts";

test("a handshake with a site becomes a WebSocket, and everything else goes to the program", async () => {
  await using world = await socketWorld();
  expect((await world.raw()).status).toBe(101);
  expect((await world.raw({}, "/ws/room/1?a=b")).status).toBe(101);
  expect(
    (await world.raw({ upgrade: "WebSocket", connection: "keep-alive, Upgrade" })).status,
  ).toBe(101);
  for (const path of ["/", "/wsx", "/a/ws", "/WS", "/?/ws"]) {
    const { status } = await world.raw({}, path);
    expect(status).not.toBe(101);
  }
  expect(await (await fetch(`http://127.0.0.1:${world.port}/ws`)).text()).toBe("for the program");
  expect(world.sockets.count(1)).toBe(3);
});

test("a handshake that is none is refused with what is missing", async () => {
  await using world = await socketWorld();
  const old = await world.raw({ "sec-websocket-version": "8" });
  expect(old.status).toBe(426);
  expect(old.head.toLowerCase()).toContain("sec-websocket-version: 13");
  expect((await world.raw({ "sec-websocket-key": "short" })).status).toBe(400);
  expect((await world.raw({ "sec-websocket-protocol": "a b" })).status).toBe(400);
  expect(world.sockets.count(1)).toBe(0);
});

test("the first protocol that is offered is spoken", async () => {
  await using world = await socketWorld();
  const { ws } = await world.open("/ws", { protocols: ["chat.v2", "chat.v1"] });
  expect(ws.protocol).toBe("chat.v2");
  await until(() => world.asked.length > 0);
  expect(world.asked[0]?.socket.protocol).toBe("chat.v2");
});

test("pages of other origins cannot open a socket in a visitor's name", async () => {
  await using world = await socketWorld();
  const status = async (origin: string, host = "site1.localhost", path = "/ws") =>
    (await world.raw({ origin, host }, path)).status;
  expect(await status("http://site1.localhost")).toBe(101);
  // Behind a proxy that speaks https and is not trusted, the page is an https page.
  expect(await status("https://site1.localhost")).toBe(101);
  expect(await status("http://site1.localhost:80", "site1.localhost:80")).toBe(403);
  expect(await status("http://site1.localhost", "site1.localhost:80")).toBe(101);
  expect(await status("http://www.example.com")).toBe(101);
  for (const origin of [
    "http://evil.example",
    "http://site2.localhost",
    "http://site1.localhost:8080",
    "http://site1.localhost.evil.example",
    "http://evil.example/site1.localhost",
    "http://site1.localhost@evil.example",
    "null",
    "",
    "file://",
    "http://www.example.com:8080",
    "javascript:site1.localhost",
    "http://site1.localhost, http://evil.example",
  ])
    expect([origin, await status(origin)]).toEqual([origin, 403]);
  // A deploy's own address is talked to by its own pages alone.
  expect(await status("http://www.example.com", "site1.localhost", "/ws?draft")).toBe(403);
});

test("a page by plain http is not one of a site that is asked by https", () => {
  const asked = (origin: string) =>
    readOrigin(
      new Request("https://site.example/ws", { headers: { host: "site.example", origin } }),
      true,
    ).kind;
  expect(asked("https://site.example")).toBe("same");
  expect(asked("http://site.example")).toBe("refused");
});

test("a site holds so many sockets, a visitor fewer", async () => {
  await using world = await socketWorld({
    address: "203.0.113.7",
    config: { "functions.sockets": 3, "functions.socketsPerAddress": 2 },
  });
  expect((await world.raw()).status).toBe(101);
  const second = await world.open();
  expect((await world.raw()).status).toBe(429);
  second.ws.close();
  await second.closed;
  await until(() => world.sockets.count(1) === 1);
  expect((await world.raw()).status).toBe(101);
  expect((await world.raw({}, "/ws?site=2")).status).toBe(101);
});

test("the limit of a site holds for visitors of this machine, and is answered 503", async () => {
  await using world = await socketWorld({ config: { "functions.sockets": 2 } });
  await world.open();
  await world.open("/ws?draft");
  const third = await world.raw();
  expect(third.status).toBe(503);
  expect(third.head.toLowerCase()).toContain("retry-after:");
});

test("where a deploy has no program any more, nothing is opened", async () => {
  await using world = await socketWorld();
  world.release(undefined);
  expect((await world.raw()).status).toBe(404);
});
