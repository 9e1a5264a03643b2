import { expect, test } from "bun:test";

import { headerOf, readText, startGuest } from "#test/support/guest-host.ts";

test("a script answers, and each request runs it anew", async () => {
  await using guest = await startGuest(
    `import { createHash } from "node:crypto";
let seen = 0;
seen += 1;
const hash = createHash("md5").update(req.path).digest("hex");
await Promise.resolve();
res.status(201).header("x-seen", seen).json({ method: req.method, path: req.path, query: req.query, agent: req.headers["user-agent"], hash, env: process.env.NAME, address: req.address });
import { join } from "node:path";
console.log(join("a", "b"));
`,
    { env: { NAME: "ada" } },
  );
  expect(guest.shape).toBe("script");
  expect(guest.handlers).toEqual({ fetch: true, scheduled: false, websocket: false });
  for (let round = 0; round < 2; round += 1) {
    const response = await guest.ask("/a?x=1&y=2&x=3", { headers: [["user-agent", "test"]] });
    expect(response.status).toBe(201);
    expect(headerOf(response, "x-seen")).toBe("1");
    expect(headerOf(response, "content-type")).toBe("application/json;charset=UTF-8");
    expect(JSON.parse(await readText(response.body))).toEqual({
      method: "GET",
      path: "/a",
      query: { x: "3", y: "2" },
      agent: "test",
      hash: "0639767f3e9eaad729b54037a7e2abf5",
      env: "ada",
      address: "192.0.2.7",
    });
  }
  await guest.logged(/^a\/b$/);
});

test("what a stream of a script fails with is told", async () => {
  await using guest = await startGuest(
    `res.send(new ReadableStream({ pull() { throw new Error("in the stream") } }));`,
  );
  await expect(readText((await guest.ask("/")).body)).rejects.toThrow();
  await guest.logged(/in the stream/);
});

test("what send takes", async () => {
  await using guest = await startGuest(`const { kind } = req.query;
if (kind === "text") res.send("plain");
if (kind === "html") res.send("<p>html");
if (kind === "json") res.send({ a: [1] });
if (kind === "number") res.send(7);
if (kind === "bytes") res.send(new Uint8Array([1, 2]));
if (kind === "stream") res.send(new ReadableStream({ start(c) { c.enqueue("s1"); c.enqueue("s2"); c.close() } }));
if (kind === "response") res.send(new Response("r", { status: 418 }));
if (kind === "redirect") res.redirect("/there");
if (kind === "moved") res.redirect("/there", 308);
if (kind === "missing") res.status(404);
if (kind === "twice") { res.send("once"); res.send("again"); }
if (kind === "early") { res.send("early"); return; }
`);
  const told = async (kind: string) => {
    const response = await guest.ask(`/?kind=${kind}`);
    const type = headerOf(response, "content-type") ?? headerOf(response, "location");
    return [response.status, type, await readText(response.body)];
  };
  expect(await told("text")).toEqual([200, "text/plain;charset=UTF-8", "plain"]);
  expect(await told("html")).toEqual([200, "text/html;charset=UTF-8", "<p>html"]);
  expect(await told("json")).toEqual([200, "application/json;charset=UTF-8", '{"a":[1]}']);
  expect(await told("number")).toEqual([200, "application/json;charset=UTF-8", "7"]);
  expect(await told("bytes")).toEqual([200, "application/octet-stream", "\u0001\u0002"]);
  expect(await told("stream")).toEqual([200, undefined, "s1s2"]);
  expect(await told("response")).toEqual([418, "text/plain;charset=UTF-8", "r"]);
  expect(await told("redirect")).toEqual([302, "/there", ""]);
  expect(await told("moved")).toEqual([308, "/there", ""]);
  expect(await told("missing")).toEqual([404, undefined, ""]);
  expect(await told("none")).toEqual([204, undefined, ""]);
  expect(await told("early")).toEqual([200, "text/plain;charset=UTF-8", "early"]);
  expect(await told("twice")).toEqual([200, "text/plain;charset=UTF-8", "once"]);
  await guest.logged(/answered before/);
});

test("the body of a request, and one that is not JSON", async () => {
  await using guest = await startGuest(
    `if (req.path === "/text") res.send(req.body.length + ":" + req.body); else res.json(req.json().a);`,
  );
  const post = (path: string, body: string) =>
    guest.ask(path, { method: "POST", body: Buffer.from(body) });
  expect(await readText((await post("/text", "grüß")).body)).toBe("4:grüß");
  expect(await readText((await post("/", '{"a":5}')).body)).toBe("5");
  const bad = await post("/", "{");
  expect([bad.status, await readText(bad.body)]).toEqual([
    400,
    "The body of the request is not JSON\n",
  ]);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(Buffer.from('{"a":'));
      controller.enqueue(Buffer.from("[6]}"));
      controller.close();
    },
  });
  expect(await readText((await guest.ask("/", { method: "POST", body })).body)).toBe("[6]");
});

test("db is synchronous, and add counts exactly", async () => {
  await using guest = await startGuest(`
if (req.path === "/add") { res.send(String(db.add("n"))); return; }
if (req.path === "/long") { db.set("long", "x".repeat(900_000)); res.send(String(db.get("long").length)); return; }
if (req.path === "/over") { try { db.set("over", "x".repeat(2_000_000)); } catch (e) { res.send(e.name) } return; }
if (req.path === "/keys") { for (let i = 0; i < 250; i++) db.set("k" + String(i).padStart(3, "0"), i); const all = db.list("k"); res.json([all.length, all[0], all.at(-1)]); return; }
db.set("a/1", { x: [1, null] }); db.set("a/2", "two");
const before = db.list("a/");
db.delete("a/2");
res.json({ before, after: db.list("a/").length, missing: db.get("no"), x: db.get("a/1").x, five: db.add("five", 5) });
`);
  expect(JSON.parse(await guest.text("/"))).toEqual({
    before: [
      { key: "a/1", value: { x: [1, null] } },
      { key: "a/2", value: "two" },
    ],
    after: 1,
    missing: null,
    x: [1, null],
    five: 5,
  });
  const counts = await Promise.all(Array.from({ length: 200 }, () => guest.text("/add")));
  expect(new Set(counts).size).toBe(200);
  expect(await guest.text("/add")).toBe("201");
  expect(await guest.text("/long")).toBe("900000");
  expect(await guest.text("/over")).toBe("RangeError");
  expect(JSON.parse(await guest.text("/keys"))).toEqual([
    250,
    { key: "k000", value: 0 },
    { key: "k249", value: 249 },
  ]);
});

test("names of the globals may be declared by the script", async () => {
  await using guest = await startGuest(
    `const send = (x) => res.send(x); { const req = 1; function db() { return "own" } send(db() + req); }\nexport {};`,
  );
  expect(await guest.text("/")).toBe("own1");
});

test("a script in TypeScript", async () => {
  await using guest = await startGuest(
    `import type { X } from "nowhere";
import { createHash } from "node:crypto";
type Count = { n: number };
interface Foo { import: string }
const count: Count = { n: 1 };
if (req.path === "/throw") throw new Error(\`line \${6 as number}\`);
res.send(createHash("md5").update(String(count.n)).digest("hex") satisfies string);`,
    { language: "ts" },
  );
  expect(await guest.text("/")).toBe("c4ca4238a0b923820dcc509a6f75849b");
  await expect(guest.ask("/throw")).rejects.toThrow();
  expect((await guest.logged(/line 6/)).message).toBe(
    "Uncaught Error: line 6\n    at main.ts:6:38",
  );
});

test("sockets of a script", async () => {
  await using guest = await startGuest(`
socket.on("message", (message, from) => { from.send(message + "!"); from.data = { n: 1 }; socket.broadcast({ said: message, by: req.method }) });
if (req.method === "GET") { socket.broadcast("hello"); res.send("ok"); }`);
  expect(guest.handlers.websocket).toBe(true);
  expect(await guest.text("/")).toBe("ok");
  const socket = {
    id: "s1",
    url: "http://site.test/ws",
    headers: {},
    protocol: "",
    address: "",
    data: null,
  };
  await guest.link.call("socket.open", { socket });
  await guest.link.call("socket.message", { socket, text: true }, Buffer.from("hi"));
  const told = guest.notes.map(({ name, params, bytes }) => [
    name,
    params,
    Buffer.from(bytes).toString(),
  ]);
  expect(told).toEqual([
    ["socket.publish", { topic: "", text: true }, "hello"],
    ["socket.send", { id: "s1", text: true }, "hi!"],
    ["socket.data", { id: "s1", data: { n: 1 } }, ""],
    ["socket.publish", { topic: "", text: true }, '{"said":"hi","by":"MESSAGE"}'],
  ]);
});

test("what a script does after its answer keeps the process", async () => {
  await using guest = await startGuest(
    `res.send("sent"); await new Promise((done) => setTimeout(done, 20)); console.log("after");`,
  );
  const waiting = guest.told("waiting");
  expect(await guest.text("/")).toBe("sent");
  expect(await waiting).toEqual({ kind: "waiting", count: 1 });
  expect(await guest.logged(/after/)).toMatchObject({ requestId: "req1" });
});
