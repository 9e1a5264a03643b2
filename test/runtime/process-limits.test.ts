import { afterEach, expect, test } from "bun:test";

import type { ServerConfig } from "#base/config.ts";
import type { SupervisorParts } from "#runtime/process/parts.ts";

import { answering, isRunning, type ProcessWorld, processWorld, until } from "./process-world.ts";

const open: ProcessWorld[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world.close();
});
async function start(
  settings?: Partial<ServerConfig>,
  parts?: Partial<SupervisorParts>,
): Promise<ProcessWorld> {
  const world = await processWorld(settings, parts);
  open.push(world);
  return world;
}

const MB = 1024 * 1024;
/** Goes wrong for `/bad`, in the way that is given. */
const bad = (statement: string): string =>
  `export default { async fetch(request) { if (new URL(request.url).pathname === "/bad") { ${statement} } return new Response("fine"); } };`;

test("an endless loop is ended, whoever waited is told, and the next request is answered", async () => {
  const world = await start({ "functions.cpuMs": 200 });
  const ref = world.program(bad("while (true);"));
  await world.ask(ref);
  const pid = world.pidOf(ref.siteId);
  const waits = [world.ask(ref, "/bad"), world.ask(ref)];
  for (const told of await Promise.all(waits.slice(0, 1)))
    expect(told).toMatchObject({ code: "cpu_limit" });
  await Promise.all(waits);
  const line = await world.line("cpu_limit");
  expect(line.message).toMatch(
    /^Ended: it computed for \d+ ms without a pause, the limit is 200 ms$/,
  );
  expect(line.data?.["cpuMs"]).toBeGreaterThan(200);
  expect(line.data?.["cpuMs"]).toBeLessThan(600);
  expect(await world.ask(ref)).toEqual({ status: 200, text: "fine" });
  expect(isRunning(pid)).toBe(false);
});

test("a script has less time than a module", async () => {
  const world = await start({ "functions.scriptCpuMs": 50, "functions.cpuMs": 5000 });
  const ref = world.program('if (req.path === "/bad") while (true); res.send("fine");');
  expect(await world.ask(ref)).toEqual({ status: 200, text: "fine" });
  expect(await world.ask(ref, "/bad")).toMatchObject({ code: "cpu_limit" });
  expect((await world.line("cpu_limit")).message).toContain("the limit is 50 ms");
});

test("much work with pauses is no endless loop", async () => {
  const world = await start({ "functions.cpuMs": 100 });
  const work =
    "const until = Date.now() + 20; while (Date.now() < until); await new Promise((go) => setImmediate(go));";
  const ref = world.program(bad(`for (let n = 0; n < 20; n += 1) { ${work} }`));
  expect(await world.ask(ref, "/bad")).toEqual({ status: 200, text: "fine" });
  expect(world.lines).toEqual([]);
});

test("a site that used its minute is ended and refused until it may go on", async () => {
  let shiftMs = 0;
  const nowMs = (): number => performance.now() + shiftMs;
  const world = await start(
    { "functions.cpuSecondsPerMinute": 1, "functions.cpuMs": 10_000 },
    { nowMs },
  );
  const ref = world.program(
    bad(
      "for (;;) { const u = Date.now() + 20; while (Date.now() < u); await new Promise((go) => setImmediate(go)); }",
    ),
  );
  const told = await world.ask(ref, "/bad");
  expect(told.code).toBe("cpu_budget");
  expect(told.retryAfterSeconds).toBeGreaterThan(50);
  expect((await world.line("cpu_budget")).message).toMatch(
    /^Ended: the site computed for 1\.\d s within a minute, the limit is 1 s; it goes on in \d+ s$/,
  );
  expect(await world.ask(ref)).toMatchObject({ code: "cpu_budget" });
  expect(world.supervisor.processesOf(ref.siteId)).toEqual([]);
  shiftMs += 61_000;
  expect(await world.ask(ref)).toEqual({ status: 200, text: "fine" });
});

test("a process that takes too much memory is ended with the figure", async () => {
  const world = await start({ "functions.memoryBytes": 128 * MB });
  const ref = world.program(
    bad(
      "globalThis.all = []; for (;;) { all.push(new Uint8Array(4e6).fill(1)); await new Promise((go) => setImmediate(go)); }",
    ),
  );
  await world.ask(ref);
  expect(await world.ask(ref, "/bad")).toMatchObject({ code: "memory_limit" });
  const line = await world.line("memory_limit");
  expect(line.message).toMatch(/^Ended: it took \d+ MB of memory, the limit is 128 MB$/);
  expect(line.data?.["memoryBytes"]).toBeLessThan(512 * MB);
  expect(await world.ask(ref)).toEqual({ status: 200, text: "fine" });
});

test("a storm of allocations without a pause is ended as well", async () => {
  const world = await start({ "functions.memoryBytes": 128 * MB, "functions.cpuMs": 10_000 });
  const ref = world.program(
    bad("const all = []; for (;;) all.push(new Array(10_000).fill(all.length));"),
  );
  await world.ask(ref);
  expect(await world.ask(ref, "/bad")).toMatchObject({ code: "memory_limit" });
  expect((await world.line("memory_limit")).data?.["memoryBytes"]).toBeLessThan(1024 * MB);
});

test("a site's own limit of memory counts from its next look on", async () => {
  const world = await start({ "functions.memoryBytes": 2048 * MB });
  const ref = world.program(bad("globalThis.held = new Uint8Array(200e6).fill(1);"));
  expect(await world.ask(ref, "/bad")).toEqual({ status: 200, text: "fine" });
  world.quotas.set(ref.siteId, { memoryBytes: 128 * MB });
  world.supervisor.quotasChanged(ref.siteId);
  expect((await world.line("memory_limit")).message).toContain("the limit is 128 MB");
});

test("a bomb of threads is ended", async () => {
  const world = await start({ "functions.memoryBytes": 4096 * MB, "functions.cpuMs": 10_000 });
  const ref = world.program(
    bad(
      "const u = URL.createObjectURL(new Blob(['setInterval(() => {}, 1000)'])); globalThis.all = []; for (;;) { all.push(new Worker(u)); await new Promise((go) => setTimeout(go, 1)); }",
    ),
  );
  await world.ask(ref);
  expect(await world.ask(ref, "/bad")).toMatchObject({ code: "thread_limit" });
  expect((await world.line("thread_limit")).message).toMatch(
    /^Ended: it had \d+ threads, the limit is \d+$/,
  );
});

test("a flood of log lines is cut and counted", async () => {
  const world = await start({ "functions.logLinesPerSecond": 10 });
  const ref = world.program(bad("for (let n = 0; n < 500; n += 1) console.log(n);"));
  expect(await world.ask(ref, "/bad")).toEqual({ status: 200, text: "fine" });
  const line = await world.line("log_limit");
  expect(line.message).toMatch(/^\d+ more lines were not kept: the limit is 10 per second$/);
  expect(world.lines.filter(({ level }) => level === "info").length).toBeLessThanOrEqual(20);
});

test("a request that is not begun to be answered in time ends alone", async () => {
  const world = await start({ "functions.wallSeconds": 1 });
  const ref = world.program(bad("await new Promise(() => {});"));
  await world.ask(ref);
  const pid = world.pidOf(ref.siteId);
  expect(await world.ask(ref, "/bad")).toMatchObject({ code: "wall_limit" });
  expect(await world.line("wall_limit")).toMatchObject({
    message: "It did not begin to answer within 1 s",
    requestId: "r-/bad",
  });
  expect(await world.ask(ref)).toEqual({ status: 200, text: "fine" });
  expect(world.pidOf(ref.siteId)).toBe(pid);
});

test("an answer that began may take longer than the wall", async () => {
  const world = await start({ "functions.wallSeconds": 1 });
  const ref = world.program(`export default { fetch() {
    return new Response(new ReadableStream({ async start(to) {
      to.enqueue(new TextEncoder().encode("a"));
      await new Promise((go) => setTimeout(go, 1300));
      to.enqueue(new TextEncoder().encode("b"));
      to.close();
    } }));
  } }`);
  expect(await world.ask(ref)).toEqual({ status: 200, text: "ab" });
});

test("an endless answer holds one place, until its visitor leaves", async () => {
  const world = await start({ "functions.concurrency": 1, "functions.queue": 1 });
  const ref = world.program(`export default { fetch(request) {
    if (new URL(request.url).pathname !== "/bad") return new Response("fine");
    return new Response(new ReadableStream({ async pull(to) { to.enqueue(new Uint8Array(65536)); await 1; } }));
  } }`);
  const visitor = new AbortController();
  const head = {
    method: "GET",
    url: "http://a.localhost/bad",
    headers: [],
    requestId: "",
    address: "",
  };
  const answer = await world.supervisor.request(ref, head, null, visitor.signal);
  if (!(answer.body instanceof ReadableStream)) throw new Error("no stream");
  const reader = answer.body.getReader();
  expect((await reader.read()).value?.byteLength).toBeGreaterThan(0);
  const next = world.ask(ref);
  expect(await world.ask(ref)).toMatchObject({ code: "busy" });
  await reader.cancel();
  expect(await next).toEqual({ status: 200, text: "fine" });
  expect(world.supervisor.busy()).toBe(0);
});

test("so many requests at a time, so many wait, the rest is refused and the owner told", async () => {
  const world = await start({ "functions.concurrency": 2, "functions.queue": 3 });
  const ref = world.program(`
    let [now, most] = [0, 0];
    export default { async fetch() {
      most = Math.max(most, now += 1);
      await new Promise((go) => setTimeout(go, 20));
      now -= 1;
      return new Response(String(most));
    } }`);
  await world.ask(ref);
  const told = await Promise.all(Array.from({ length: 8 }, () => world.ask(ref)));
  expect(told.filter(({ code }) => code === "busy")).toHaveLength(3);
  expect(told.filter(({ status }) => status === 200).map(({ text }) => text)).toEqual(
    Array.from({ length: 5 }, () => "2"),
  );
  expect((await world.line("busy")).message).toBe(
    "A request was refused: 2 are being answered and 3 may wait",
  );
});

test("a program that is not loaded in time is ended and tried again later", async () => {
  const world = await start({ "functions.startSeconds": 1 });
  const ref = world.program("await new Promise(() => {}); export default { fetch() {} }");
  const told = await world.ask(ref);
  expect(told).toMatchObject({ code: "start_failed", retryAfterSeconds: 1 });
  expect((await world.line("start_failed")).message).toContain("it was not loaded within 1 s");
  expect(world.supervisor.processesOf(ref.siteId)).toEqual([]);
});

test("a site over its disk quota is ended", async () => {
  const world = await start({ "functions.diskBytes": 2 * MB });
  const ref = world.program(
    answering(
      "(env.DB, require('node:fs').writeFileSync('big', new Uint8Array(3e6).fill(1)), await new Promise(() => {}))",
    ),
  );
  expect(await world.ask(ref)).toMatchObject({ code: "disk_limit" });
  expect((await world.line("disk_limit")).message).toMatch(
    /^Ended: its folder held \d+ MB, the limit is 2 MB; until there is less, it may only read$/,
  );
});

test("programs that do nothing are not looked at more than once a second", async () => {
  const world = await start();
  const refs = Array.from({ length: 3 }, () => world.program(answering("'fine'")));
  for (const ref of refs) await world.ask(ref);
  await until(() => world.supervisor.busy() === 0);
  const before = process.cpuUsage();
  await Bun.sleep(1000);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(100);
});
