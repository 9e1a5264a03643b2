import { expect, test } from "bun:test";

import type { GuestError } from "#bridge/model.ts";
import { type HostOptions, startGuest } from "#test/support/guest-host.ts";

async function brokenBy(code: string, options?: HostOptions): Promise<GuestError> {
  const error: unknown = await startGuest(code, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return (error as { told: GuestError }).told;
}

test("why a program does not run is told with the author's line", async () => {
  expect((await brokenBy(`export default {\n  fetch() {\n    let a = ;\n  }\n}`)).stack).toBe(
    "SyntaxError: Unexpected ;\n    at main.ts:3:13",
  );
  expect(
    (await brokenBy(`import left from "left-not-there";\nleft();\nexport default {}`)).message,
  ).toBe(
    'It imports "left-not-there", which is not here: bundle it with `land deploy`, or import only what Bun and Node.js bring',
  );
  expect((await brokenBy(`export const a = 1;`)).message).toBe(
    "It exports neither fetch nor scheduled nor websocket",
  );
  expect((await brokenBy(`export default class { fetch() {} }`)).message).toBe(
    "Its default export is a class: export an object that has the handlers",
  );
  expect(
    (
      await brokenBy(
        `\nfunction early() { throw new RangeError("at once") }\nearly();\nexport default { fetch() {} }`,
      )
    ).stack,
  ).toStartWith("RangeError: at once\n    at early (main.ts:2:");
  expect((await brokenBy(`const a = 1;\nres.send(;`)).stack).toMatch(/main\.ts:2:10/);
});

test("nothing is left of what a process did while it waited for its program", async () => {
  await using guest = await startGuest(
    `console.log("begins");
     export default { fetch(request, env) {
       if (new URL(request.url).pathname === "/fails") throw new RangeError("on purpose");
       return Response.json([env.A, process.env.A]);
     } }`,
    { env: { A: "1" }, waitMs: 300 },
  );
  expect(JSON.parse(await guest.text("/"))).toEqual(["1", "1"]);
  await guest.ask("/fails").catch(() => undefined);
  const { message } = await guest.logged(/on purpose/);
  expect(message).toStartWith("Uncaught RangeError: on purpose\n    at fetch (main.ts:3:");
  expect(guest.logs.map((line) => line.message)).toEqual(["begins", message]);
  expect(guest.notes).toEqual([]);
});

test("a ping is answered at once", async () => {
  await using guest = await startGuest(`export default { fetch() { return new Response("") } }`);
  const pong = guest.told("pong");
  guest.control({ kind: "ping", n: 7 });
  expect(await pong).toEqual({ kind: "pong", n: 7 });
});

test("other variables reach new requests at once, and a request keeps its own", async () => {
  await using guest = await startGuest(
    `let go; export default { async fetch(request, env) {
       const before = env.A;
       if (request.url.endsWith("/slow")) { console.log("waits"); await new Promise((done) => (go = done)); }
       else go?.();
       return Response.json([before, env.A, env.B ?? null, process.env.A ?? null]);
     } }`,
    { env: { A: "1" } },
  );
  const slow = guest.text("/slow");
  await guest.logged(/waits/);
  guest.control({ kind: "env", env: { B: "2" } });
  expect(JSON.parse(await guest.text("/"))).toEqual([null, null, "2", null]);
  expect(JSON.parse(await slow)).toEqual(["1", "1", null, null]);
});

test("a process that is told to stop finishes what it began", async () => {
  const guest = await startGuest(`export default { async fetch(request, env, ctx) {
    ctx.waitUntil(new Promise((done) => setTimeout(done, 60)).then(() => env.KV.put("late", "kept")).then(() => console.log("kept")));
    await new Promise((done) => setTimeout(done, 20));
    return new Response(new ReadableStream({ async start(c) { await new Promise((done) => setTimeout(done, 20)); c.enqueue("whole"); c.close() } }));
  } }`);
  const waiting = guest.told("waiting");
  const text = guest.text("/");
  expect(await waiting).toEqual({ kind: "waiting", count: 1 });
  guest.control({ kind: "stop" });
  expect(await text).toBe("whole");
  await guest.logged(/^kept$/);
  expect(await guest.exited).toBe(0);
});

test("a process ends with its link", async () => {
  const guest = await startGuest(
    `setInterval(() => {}, 10); export default { fetch() { return new Response("") } }`,
  );
  guest.link.close();
  guest.disconnect();
  expect(await guest.exited).toBe(0);
});

test("schedules run with their work, and say whether to try again", async () => {
  await using guest = await startGuest(`export default { async scheduled(event, env, ctx) {
    ctx.waitUntil((async () => { await Promise.resolve(); console.log(event.cron, event.scheduledTime) })());
    if (event.cron === "1 * * * *") throw Object.assign(new TypeError("failed\\nin two lines"), { status: 500 });
    if (event.cron === "2 * * * *") { event.noRetry(); throw new Error("failed for good"); }
    if (event.cron === "4 * * * *") throw "a text";
    if (event.cron === "5 * * * *") throw "";
    if (event.cron === "6 * * * *") throw Object.defineProperty(new Error(), "message", { get() { throw 1 } });
    if (event.cron === "7 * * * *") throw new Error("x".repeat(5000));
    if (event.cron === "3 * * * *") ctx.waitUntil(Promise.reject(new Error("later")));
  } }`);
  const run = async (cron: string) => {
    try {
      const event = { cron, scheduledTime: 5, requestId: "run-1" };
      return (await guest.link.call("scheduled", event)).value;
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return `${code}: ${message}`;
    }
  };
  expect(guest.handlers).toEqual({ fetch: false, scheduled: true, websocket: false });
  expect(await run("0 * * * *")).toBeNull();
  await guest.logged(/^0 \* \* \* \* 5$/);
  expect(await run("1 * * * *")).toBe("exception: TypeError: failed");
  expect(await run("2 * * * *")).toBe("no_retry: Error: failed for good");
  expect(await run("3 * * * *")).toBe("exception: Error: later");
  expect(await run("4 * * * *")).toBe("exception: a text");
  expect(await run("5 * * * *")).toBe("exception: The program threw an error");
  expect(await run("6 * * * *")).toBe("exception: An error that cannot be shown");
  expect(await run("7 * * * *")).toHaveLength("exception: ".length + 200);
});

test("sockets of a module", async () => {
  await using guest = await startGuest(`export default {
    async fetch(request, env) { env.SOCKETS.broadcast("all"); env.SOCKETS.publish("room", { a: 1 }); return Response.json(await env.SOCKETS.count("room")) },
    websocket: {
      open(socket, env, ctx) { socket.subscribe(new URL(socket.url).searchParams.get("room")); socket.data = { name: socket.headers.get("x-name") }; socket.send("welcome"); },
      async message(socket, message, env) { socket.publish("room", [socket.data.name, typeof message, message.length]); if (message === "bye") socket.close(4000, "bye"); if (message === "bad") throw new Error("in message") },
      close(socket, code, reason) { socket.unsubscribe("room"); console.log("closed", code, reason) },
    } }`);
  expect(guest.handlers).toEqual({ fetch: true, scheduled: false, websocket: true });
  expect(await guest.text("/")).toBe("3");
  const socket = {
    id: "s1",
    url: "http://site.test/ws?room=room",
    headers: { "x-name": "ada" },
    protocol: "",
    address: "",
    data: null,
  };
  const call = (name: string, params: object, bytes?: Uint8Array) =>
    guest.link.call(name, { socket, ...params }, bytes);
  await call("socket.open", {});
  socket.data = { name: "ada" } as never;
  await call("socket.message", { text: true }, Buffer.from("bye"));
  await call("socket.message", { text: false }, Buffer.from([1, 2]));
  await expect(call("socket.message", { text: true }, Buffer.from("bad"))).rejects.toThrow();
  await call("socket.close", { code: 1000, reason: "done" });
  await guest.logged(/^closed 1000 done$/);
  const told = guest.notes.map(({ name, params, bytes }) => [
    name,
    params,
    Buffer.from(bytes).toString(),
  ]);
  expect(told).toEqual([
    ["socket.publish", { topic: "", text: true }, "all"],
    ["socket.publish", { topic: "room", text: true }, '{"a":1}'],
    ["socket.subscribe", { id: "s1", topic: "room" }, ""],
    ["socket.data", { id: "s1", data: { name: "ada" } }, ""],
    ["socket.send", { id: "s1", text: true }, "welcome"],
    ["socket.publish", { topic: "room", text: true, except: "s1" }, '["ada","string",3]'],
    ["socket.close", { id: "s1", code: 4000, reason: "bye" }, ""],
    ["socket.publish", { topic: "room", text: true, except: "s1" }, '["ada","object",2]'],
    ["socket.publish", { topic: "room", text: true, except: "s1" }, '["ada","string",3]'],
    ["socket.unsubscribe", { id: "s1", topic: "room" }, ""],
  ]);
});

test("a program of several megabytes comes in parts", async () => {
  const filler = `/* ${"x".repeat(2_500_000)} */`;
  await using guest = await startGuest(
    `${filler}\nexport default { fetch: () => new Response("large") }`,
  );
  expect(await guest.text("/")).toBe("large");
});
