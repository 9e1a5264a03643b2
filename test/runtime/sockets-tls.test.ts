import { expect, test } from "bun:test";

import { authority, httpsServer, listSource } from "../tls/https.ts";
import { openClient, socketWorld, until, type World } from "./sockets-world.ts";

/** An https listener before the sockets of a world. */
async function secureDoor(world: World) {
  const { root, sign } = await authority();
  const certificates = [await sign(["site1.localhost"]), await sign(["www.example.com"])];
  const door = await httpsServer({
    source: listSource(certificates),
    idleSeconds: 1,
    websocket: world.sockets.websocket,
    answer: (request, { address }, upgrader) =>
      world.answer(request, { address: () => address, secure: true, upgrader }),
  });
  const open = (host: string, path = "/ws") =>
    openClient(`wss://127.0.0.1:${door.port}${path}`, {
      headers: { host: `${host}:${door.port}`, origin: `https://${host}:${door.port}` },
      tls: { ca: root.certificate, serverName: host },
    });
  return { ...door, open, [Symbol.asyncDispose]: door[Symbol.asyncDispose] };
}

test("sockets over https, of any certificate, and over http hear each other", async () => {
  await using world = await socketWorld();
  await using door = await secureDoor(world);
  const one = await door.open("site1.localhost", "/ws?a=1");
  const two = await door.open("www.example.com");
  const plain = await world.open();
  await until(() => world.asked.length === 3);
  expect(world.asked.find(({ socket }) => socket.url.includes("a=1"))?.socket).toMatchObject({
    url: `https://site1.localhost:${door.port}/ws?a=1`,
    address: "127.0.0.1",
  });
  world.note("socket.publish", { topic: "", text: true }, "all");
  await until(() => [one, two, plain].every(({ got }) => got.length === 1));
  one.ws.send("x".repeat(200_000));
  await until(() => world.asked.length === 4);
  const big = "y".repeat(900_000);
  world.note("socket.publish", { topic: "", text: true }, big);
  await until(() => [one, two, plain].every(({ got }) => got.length === 2));
  expect(two.got[1]).toBe(big);
});

test("the end of the server closes sockets over https at once", async () => {
  await using world = await socketWorld();
  await using door = await secureDoor(world);
  const { closed } = await door.open("site1.localhost");
  world.sockets.endAll();
  expect(await closed).toEqual({ code: 1001, reason: "the server stops" });
  const startedMs = performance.now();
  await door.stop();
  expect(performance.now() - startedMs).toBeLessThan(900);
});

test("an open socket outlives the time in which a connection must not be silent", async () => {
  await using world = await socketWorld();
  await using door = await secureDoor(world);
  const { ws, got } = await door.open("site1.localhost");
  await until(() => world.asked.length === 1);
  // The listener's idle time of a second is over by then, by the coarsest clock.
  await Bun.sleep(6000);
  expect(ws.readyState).toBe(WebSocket.OPEN);
  world.note("socket.publish", { topic: "", text: true }, "still there");
  await until(() => got.length === 1);
}, 20_000);
