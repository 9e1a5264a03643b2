import { expect, test } from "bun:test";

import { BridgeError } from "#bridge/model.ts";

import { FIRST, SECOND, socketWorld, until } from "./sockets-world.ts";

test("everybody of a site hears a broadcast, nobody of another site or of a draft", async () => {
  await using world = await socketWorld({ handles: false });
  const [a, b, other, draft] = await Promise.all([
    world.open(),
    world.open("/ws/deep"),
    world.open("/ws?site=2"),
    world.open("/ws?draft"),
  ]);
  world.note("socket.publish", { topic: "", text: true }, "hello");
  world.note("socket.publish", { topic: "", text: false }, new Uint8Array([1, 2, 3]));
  await until(() => a.got.length === 2 && b.got.length === 2);
  expect(a.got).toEqual(["hello", Buffer.from([1, 2, 3])]);
  world.note("socket.publish", { topic: "", text: true }, "two", world.tenant(2));
  world.note("socket.publish", { topic: "", text: true }, "draft", world.tenant(1, SECOND));
  await until(() => other.got.length === 1 && draft.got.length === 1);
  expect(other.got).toEqual(["two"]);
  expect(draft.got).toEqual(["draft"]);
  expect(b.got).toHaveLength(2);
});

test("a script that listens to nothing is not started again for each socket", async () => {
  await using world = await socketWorld({ handles: false });
  await Promise.all(Array.from({ length: 20 }, () => world.open()));
  const one = await world.open();
  one.ws.send("into the void");
  await until(() => world.sockets.count(1) === 21);
  const before = world.starts();
  await Promise.all(Array.from({ length: 20 }, () => world.open()));
  expect(world.starts()).toBe(before);
  expect(world.asked).toEqual([]);
});

test("events of a socket come one after another, and those of others meanwhile", async () => {
  let running = 0;
  let most = 0;
  const perSocket = new Map<string, number>();
  await using world = await socketWorld({
    async call({ socket }) {
      expect(perSocket.get(socket.id) ?? 0).toBe(0);
      perSocket.set(socket.id, 1);
      most = Math.max(most, (running += 1));
      await Bun.sleep(1);
      running -= 1;
      perSocket.set(socket.id, 0);
    },
  });
  const clients = await Promise.all(Array.from({ length: 5 }, () => world.open()));
  for (const { ws } of clients) for (let n = 0; n < 30; n += 1) ws.send(String(n));
  await until(() => world.asked.length === 5 * 31);
  for (const { ws } of clients) ws.close(4001, "bye");
  await until(() => world.asked.length === 5 * 32);
  const ids = new Set(world.asked.map(({ socket }) => socket.id));
  expect(ids.size).toBe(5);
  for (const id of ids) {
    const own = world.asked.filter(({ socket }) => socket.id === id);
    expect(own.map(({ name }) => name)).toEqual([
      "socket.open",
      ...Array.from({ length: 30 }, () => "socket.message"),
      "socket.close",
    ]);
    expect(own.slice(1, 31).map(({ text }) => text)).toEqual(
      Array.from({ length: 30 }, (_, n) => String(n)),
    );
    expect(own.at(-1)).toMatchObject({ code: 4001, reason: "bye" });
  }
  expect(most).toBeGreaterThan(1);
});

test("a handler that fails closes nobody; close is told once even so", async () => {
  await using world = await socketWorld({
    call() {
      throw new BridgeError("crashed", "the process died");
    },
  });
  const { ws, closed } = await world.open();
  ws.send("a");
  await until(() => world.asked.length === 2);
  expect(world.sockets.count(1)).toBe(1);
  ws.close();
  await closed;
  await until(() => world.asked.length === 3);
  expect(world.asked.map(({ name }) => name)).toEqual([
    "socket.open",
    "socket.message",
    "socket.close",
  ]);
  expect(world.sockets.count(1)).toBe(0);
  // The owner is told by those who know; the operator's log is not for programs to fill.
  expect(world.logged).toEqual([]);
});

test("a program that does not run closes its sockets", async () => {
  await using world = await socketWorld({
    handlersOf: async () => {
      throw new BridgeError("program_broken", "broken");
    },
  });
  const { closed } = await world.open();
  expect(await closed).toEqual({ code: 1011, reason: "the program does not run" });
});

test("what a program knows of a socket, and keeps with it", async () => {
  await using world = await socketWorld({
    call({ socket, name }) {
      if (name === "socket.open") world.note("socket.data", { id: socket.id, data: { n: 1 } });
    },
  });
  const { ws } = await world.open("/ws/a?b=1", {
    headers: { cookie: "land-pass=1.a; user=7; __Host-land-pass=2.b; x=land-pass", "x-own": "yes" },
  });
  ws.send("ä");
  await until(() => world.asked.length === 2);
  const [opened, said] = world.asked;
  expect(opened?.socket).toMatchObject({
    url: `http://127.0.0.1:${world.port}/ws/a?b=1`,
    protocol: "",
    address: "127.0.0.1",
    data: null,
  });
  expect(opened?.socket.headers).toMatchObject({ cookie: "user=7; x=land-pass", "x-own": "yes" });
  expect(Object.keys(opened?.socket.headers ?? {}).join(" ")).not.toMatch(/sec-websocket|upgrade/);
  expect(said).toMatchObject({ text: "ä", socket: { data: { n: 1 } } });
  world.note("socket.data", { id: said?.socket.id, data: "x".repeat(5000) });
  ws.send("again");
  await until(() => world.asked.length === 3);
  expect(world.asked[2]?.socket.data).toEqual({ n: 1 });
});

test("topics are a site's own, except leaves one out, and leaving works", async () => {
  await using world = await socketWorld();
  const [a, b, other] = [await world.open(), await world.open(), await world.open("/ws?site=2")];
  await until(() => world.asked.length === 3);
  const [idA, idB, idOther] = world.asked.map(({ socket }) => socket.id);
  for (const id of [idA, idB]) world.note("socket.subscribe", { id, topic: "news" });
  world.note("socket.subscribe", { id: idOther, topic: "news" }, "", world.tenant(2));
  // Another site's socket is out of reach by any note.
  world.note("socket.subscribe", { id: idOther, topic: "stolen" });
  world.note("socket.send", { id: idOther, text: true }, "stolen");
  world.note("socket.close", { id: idOther, code: 4000 });
  world.note("socket.data", { id: idOther, data: "stolen" });
  world.note("socket.publish", { topic: "stolen", text: true }, "stolen");
  world.note("socket.publish", { topic: "news", text: true, except: idA }, "1");
  world.note("socket.publish", { topic: "news", text: true }, "2");
  world.note("socket.unsubscribe", { id: idB, topic: "news" });
  world.note("socket.publish", { topic: "news", text: true }, "3");
  await until(() => a.got.length === 2 && b.got.length === 2);
  expect([a.got, b.got, other.got]).toEqual([["2", "3"], ["1", "2"], []]);
  const count = world.sockets.binding.calls?.["socket.count"];
  expect(await count?.(world.tenant(), { topic: "news" }, new Uint8Array())).toEqual({ value: 1 });
  expect(await count?.(world.tenant(), {}, new Uint8Array())).toEqual({ value: 2 });
  expect(await count?.(world.tenant(9), {}, new Uint8Array())).toEqual({ value: 0 });
  for (let n = 0; n < 200; n += 1) world.note("socket.subscribe", { id: idB, topic: `t${n}` });
  world.note("socket.publish", { topic: "t99", text: true }, "in");
  world.note("socket.publish", { topic: "t100", text: true }, "out");
  world.note("socket.send", { id: idB, text: true }, "end");
  await until(() => b.got.at(-1) === "end");
  expect(b.got.slice(2)).toEqual(["in", "end"]);
});

test("sockets outlive a deploy: the new program hears and speaks, the old one finishes", async () => {
  await using world = await socketWorld();
  const { ws, got } = await world.open();
  await until(() => world.asked.length === 1);
  world.release(SECOND);
  ws.send("to the new one");
  await until(() => world.asked.length === 2);
  expect(world.asked.map(({ ref }) => ref.deploy)).toEqual([FIRST, SECOND]);
  const id = world.asked[0]?.socket.id;
  world.note("socket.send", { id, text: true }, "new", world.tenant(1, SECOND));
  world.note("socket.send", { id, text: true }, "old", world.tenant(1, FIRST));
  await until(() => got.length === 2);
  world.pass(61_000);
  world.note("socket.send", { id, text: true }, "too late", world.tenant(1, FIRST));
  world.note("socket.send", { id, text: true }, "still", world.tenant(1, SECOND));
  await until(() => got.length === 3);
  expect(got).toEqual(["new", "old", "still"]);
  world.release(undefined);
  ws.send("to nobody");
  await until(() => world.sockets.count(1) === 0);
});

test("a program that was never asked by a socket is heard once it is live", async () => {
  await using world = await socketWorld({ handles: false });
  const { got } = await world.open();
  world.release(SECOND);
  world.pass(10_000);
  world.note("socket.publish", { topic: "", text: true }, "from fetch", world.tenant(1, SECOND));
  await until(() => got.length === 1);
});

test("a program closes a socket with what it says, after what it sent", async () => {
  await using world = await socketWorld();
  const { got, closed } = await world.open();
  await until(() => world.asked.length === 1);
  const id = world.asked[0]?.socket.id;
  world.note("socket.send", { id, text: true }, "last words");
  world.note("socket.close", { id, code: 4002, reason: "enough" });
  world.note("socket.send", { id, text: true }, "too late");
  expect(await closed).toEqual({ code: 4002, reason: "enough" });
  expect(got).toEqual(["last words"]);
  await until(() => world.asked.length === 2);
  expect(world.asked[1]).toMatchObject({ name: "socket.close", code: 4002, reason: "enough" });
});

test("a whole site is closed, by hand or when it is removed, and at the end of the server everybody", async () => {
  await using world = await socketWorld();
  const a = await world.open();
  const b = await world.open("/ws?site=2");
  const c = await world.open("/ws?site=3");
  world.sockets.closeSite(1, 4004, "closed by hand");
  expect(await a.closed).toEqual({ code: 4004, reason: "closed by hand" });
  world.remove(3);
  expect(await c.closed).toEqual({ code: 1001, reason: "the site is gone" });
  expect([1, 2, 3].map((id) => world.sockets.count(id))).toEqual([0, 1, 0]);
  world.sockets.endAll();
  expect(await b.closed).toEqual({ code: 1001, reason: "the server stops" });
  expect((await world.raw()).status).toBe(503);
  await world.sockets.stop();
  expect(world.asked.filter(({ name }) => name === "socket.close")).toHaveLength(3);
});
