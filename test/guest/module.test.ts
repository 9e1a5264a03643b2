import { expect, test } from "bun:test";

import { BridgeError, type LinkResponse } from "#bridge/model.ts";
import { headerOf, readText, startGuest } from "#test/support/guest-host.ts";

async function codeOf(answer: Promise<LinkResponse>): Promise<string> {
  const error: unknown = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof BridgeError ? error.code : "";
}

test("a module answers with its env, and says what it handles", async () => {
  await using guest = await startGuest(
    `export default {
       prefix: "hello ",
       fetch(request, env, ctx) {
         const { pathname } = new URL(request.url);
         return new Response(this.prefix + pathname + " " + env.NAME + " " + process.env.NAME + " " + request.headers.get("x-a"));
       },
       async scheduled() {},
     };`,
    { env: { NAME: "ada" } },
  );
  expect(guest.shape).toBe("module");
  expect(guest.handlers).toEqual({ fetch: true, scheduled: true, websocket: false });
  const response = await guest.ask("/x", { headers: [["x-a", "b"]] });
  expect(response.status).toBe(200);
  expect(headerOf(response, "content-type")).toBe("text/plain;charset=UTF-8");
  expect(await readText(response.body)).toBe("hello /x ada ada b");
});

test("the other forms of a module", async () => {
  await using asFunction = await startGuest(
    `export default (request) => new Response("f " + request.method)`,
  );
  expect(await asFunction.text("/")).toBe("f GET");
  await using named = await startGuest(
    `export async function fetch(request, env) { return Response.json({ n: env.N }, { status: 201 }) }`,
    { env: { N: "1" } },
  );
  const response = await named.ask("/");
  expect([
    response.status,
    headerOf(response, "content-type"),
    await readText(response.body),
  ]).toEqual([201, "application/json", '{"n":"1"}']);
  await using worker = await startGuest(
    `addEventListener("fetch", (event) => event.respondWith(handle(event.request)));
     async function handle(request) { return new Response("sw " + NAME + " " + typeof KV.get) }`,
    { env: { NAME: "ada" } },
  );
  expect(worker.shape).toBe("module");
  expect(await worker.text("/")).toBe("sw ada function");
  await using typed = await startGuest(
    `interface Env { A: string }
     export default { fetch(request: Request, env: Env): Response { return new Response(env.A as string) } };`,
    { language: "ts", env: { A: "typed" } },
  );
  expect(await typed.text("/")).toBe("typed");
});

test("JavaScript is not read as TypeScript", async () => {
  await using guest = await startGuest(
    `const f = (...all) => all.length; const a = 7, b = 2, c = 3, d = 1;
     export default { fetch: () => new Response(String(f(a<b,c>(d)))) };`,
  );
  expect(await guest.text("/")).toBe("2");
});

test("bodies stream both ways, and a large one arrives whole", async () => {
  await using guest = await startGuest(`export default { async fetch(request) {
    const upper = new TransformStream({ transform(chunk, c) { c.enqueue(new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase())) } });
    if (request.method === "POST") return new Response(request.body.pipeThrough(upper));
    return new Response("x".repeat(3_000_000));
  } }`);
  const sent = Promise.withResolvers<undefined>();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(Buffer.from("one "));
      await sent.promise;
      controller.enqueue(Buffer.from("two"));
      controller.close();
    },
  });
  const response = await guest.ask("/", { method: "POST", body });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  // The first part comes back before the second is sent.
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("ONE ");
  sent.resolve(undefined);
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("TWO");
  expect((await reader.read()).done).toBe(true);
  expect((await guest.text("/")).length).toBe(3_000_000);
});

test("a head does not wait for its body, and what the visitor leaves is cancelled", async () => {
  await using guest = await startGuest(`export default { fetch(request) {
    const body = new ReadableStream({ start(c) { c.enqueue("first") }, cancel() { console.log("cancelled") } });
    request.signal.addEventListener("abort", () => console.log("aborted", request.signal.reason.name));
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  } }`);
  const left = new AbortController();
  const response = await guest.ask("/", { signal: left.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("first");
  left.abort();
  await guest.logged(/^cancelled$/);
  await guest.logged(/^aborted AbortError$/);
});

test("who leaves while nothing comes is no error of the program", async () => {
  await using guest = await startGuest(`export default { fetch(request) {
    return new Response(new ReadableStream({ pull: () => new Promise(() => {}), cancel() { setTimeout(() => console.log("later"), 0); } }));
  } }`);
  const left = new AbortController();
  await guest.ask("/", { signal: left.signal });
  left.abort();
  await guest.logged(/^later$/);
  expect(guest.logs.map(({ message }) => message)).toEqual(["later"]);
});

test("what throws is told as exception and written to the log", async () => {
  await using guest = await startGuest(
    `export default { async fetch(request) {
       const { pathname } = new URL(request.url);
       if (pathname === "/throw") throw new TypeError("no luck");
       if (pathname === "/none") return { status: 200 };
       if (pathname === "/used") { const r = new Response("x"); await r.text(); return r; }
       if (pathname === "/object") return new Response(new ReadableStream({ start(c) { c.enqueue({}); } }));
       if (pathname === "/stream") return new Response(new ReadableStream({ pull() { throw new Error("in the stream") } }));
       return new Response("fine");
     } }`,
  );
  expect(await codeOf(guest.ask("/throw", { requestId: "r7" }))).toBe("exception");
  expect(await guest.logged(/no luck/)).toEqual({
    level: "error",
    message: "Uncaught TypeError: no luck\n    at fetch (main.ts:3:45)",
    requestId: "r7",
  });
  expect(await codeOf(guest.ask("/none"))).toBe("exception");
  await guest.logged(/gave back no Response/);
  expect(await codeOf(guest.ask("/used"))).toBe("exception");
  await guest.logged(/was read before/);
  const broken = await guest.ask("/stream");
  await expect(readText(broken.body)).rejects.toThrow();
  await guest.logged(/in the stream/);
  await expect(readText((await guest.ask("/object")).body)).rejects.toThrow();
  await guest.logged(/neither bytes nor text, but object/);
  expect(await guest.text("/")).toBe("fine");
});

test("a program that replaces globals harms itself alone", async () => {
  await using guest = await startGuest(`
    globalThis.Response = class { constructor() { this.fake = true } };
    globalThis.Request = globalThis.Headers = globalThis.URL = null;
    Object.prototype.polluted = "yes";
    const native = await fetch("data:text/plain,whole");
    export default { fetch: (request) => request.url.endsWith("/n") ? native.clone() : new Response("x") }`);
  expect(await codeOf(guest.ask("/"))).toBe("exception");
  expect(await guest.text("/n")).toBe("whole");
});

test("cookies, empty bodies, and answers that others made pass through", async () => {
  await using guest = await startGuest(`export default { async fetch(request) {
    const path = new URL(request.url).pathname;
    if (path === "/empty") return new Response(null, { status: 204 });
    if (path === "/echo") return new Response(request.body, { headers: request.headers });
    const base = new Response("base", { headers: { "x-base": "1" } });
    const response = new Response(base.body, base);
    response.headers.append("set-cookie", "a=1");
    response.headers.append("set-cookie", "b=2");
    return response.clone();
  } }`);
  const cookies = await guest.ask("/");
  expect(cookies.headers.filter(([name]) => name === "set-cookie")).toEqual([
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ]);
  expect(headerOf(cookies, "x-base")).toBe("1");
  expect(await readText(cookies.body)).toBe("base");
  expect((await guest.ask("/empty")).status).toBe(204);
  const bytes = new Uint8Array([0, 255, 128]);
  const echo = await guest.ask("/echo", { method: "POST", body: bytes, headers: [["x-e", "1"]] });
  expect(headerOf(echo, "x-e")).toBe("1");
  expect(await new Response(echo.body as Bun.BodyInit).bytes()).toEqual(bytes);
});
