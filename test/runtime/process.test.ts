import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

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

/** Answers with its pid: at once, for `/slow` after a while, where something is sent when that is whole. */
const PID = answering(
  "(await request.text(), url.pathname === '/slow' && await new Promise((done) => setTimeout(done, 300)), process.pid)",
);

test("requests that come while a program starts share its start, and its process", async () => {
  const world = await start();
  const ref = world.program(PID);
  const told = await Promise.all(Array.from({ length: 20 }, () => world.ask(ref)));
  expect(new Set(told.map(({ text }) => text)).size).toBe(1);
  expect(world.supervisor.processesOf(ref.siteId)).toMatchObject([
    { deploy: ref.deploy, state: "ready", requests: 20, open: 0, pid: Number(told[0]?.text) },
  ]);
  expect(world.supervisor.busy()).toBe(0);
});

test("the first request of a program takes a process that waits, and another takes its place", async () => {
  const world = await start({ "functions.pool": 1 });
  world.supervisor.warm();
  await until(() => childrenOf(process.pid).length === 1);
  const [waiting = 0] = childrenOf(process.pid);
  expect(await world.ask(world.program(PID))).toEqual({ status: 200, text: String(waiting) });
  await until(() => childrenOf(process.pid).length === 2);
  const next = childrenOf(process.pid).find((pid) => pid !== waiting);
  expect(await world.ask(world.program(PID))).toEqual({ status: 200, text: String(next) });
});

test("a program that names DB runs in a folder of its site, which nobody else may enter", async () => {
  const world = await start();
  const ref = world.program(answering("(env.DB !== undefined) + process.cwd()"));
  expect((await world.ask(ref)).text).toBe(`true${world.folder(ref.siteId)}`);
  const { mode } = await Bun.file(world.folder(ref.siteId)).stat();
  expect(mode & 0o777).toBe(0o700);
  const other = world.program(PID);
  await world.ask(other);
  expect(existsSync(world.folder(other.siteId))).toBe(false);
});

test("a new deploy drains the old one: what it was asked is answered by it", async () => {
  const world = await start();
  const old = world.program(PID);
  const first = await world.ask(old);
  const upload = new TransformStream<Uint8Array, Uint8Array>();
  const slow = world.ask(old, "/upload", { body: upload.readable });
  const next = world.program(PID, { siteId: old.siteId });
  world.supervisor.keep(old.siteId, [next.deploy]);
  const after = await world.ask(next);
  expect(after.text).not.toBe(first.text);
  expect(world.supervisor.processesOf(old.siteId).map(({ state }) => state)).toEqual([
    "draining",
    "ready",
  ]);
  await upload.writable.close();
  expect(await slow).toEqual(first);
  await until(() => !isRunning(Number(first.text)));
  expect(world.lines).toEqual([]);
});

test("a process without work ends; the next request starts another", async () => {
  const world = await start({ "functions.idleSeconds": 1 });
  const ref = world.program(PID);
  const first = await world.ask(ref);
  await until(() => world.supervisor.processesOf(ref.siteId).length === 0);
  const second = await world.ask(ref);
  expect(second.status).toBe(200);
  expect(second.text).not.toBe(first.text);
  expect(world.lines).toEqual([]);
});

test("a process works on while waitUntil does", async () => {
  const world = await start({ "functions.idleSeconds": 1, "functions.wallSeconds": 2 });
  const ref = world.program(
    "export default { fetch(request, env, ctx) { ctx.waitUntil(new Promise(() => {})); return new Response('') } }",
  );
  const startedMs = performance.now();
  await world.ask(ref);
  await until(() => world.supervisor.processesOf(ref.siteId).length === 0);
  // wallSeconds at most, not idleSeconds; and not for ever.
  expect(performance.now() - startedMs).toBeGreaterThan(2000);
}, 20_000);

test("a program that ends its process fails the request under way, and is there for the next", async () => {
  const world = await start();
  const ref = world.program(answering("url.pathname === '/exit' ? process.exit(3) : process.pid"));
  const first = await world.ask(ref);
  expect(await world.ask(ref, "/exit")).toMatchObject({ status: 0, code: "crashed" });
  expect((await world.line("crashed")).message).toBe(
    "The program's process ended by itself: exit code 3; the next request starts it again",
  );
  const second = await world.ask(ref);
  expect(second.status).toBe(200);
  expect(second.text).not.toBe(first.text);
});

test("kill -9 of a program fails the request under way, and no other", async () => {
  const world = await start();
  const [ref, other] = [world.program(PID), world.program(PID)];
  await Promise.all([world.ask(ref), world.ask(other)]);
  const sent = { body: Buffer.from("not to be sent twice") };
  const [slow, fine] = [world.ask(ref, "/slow", sent), world.ask(other, "/slow")];
  await until(() => world.supervisor.busy() === 2);
  process.kill(world.pidOf(ref.siteId), "SIGKILL");
  expect(await slow).toMatchObject({ code: "crashed" });
  expect(await fine).toMatchObject({ status: 200 });
  expect((await world.line("crashed")).message).toContain("signal SIGKILL");
  expect(await world.ask(ref)).toMatchObject({ status: 200 });
});

test("a broken program is tried once, its owner told once, until something changes", async () => {
  let read = 0;
  const world = await start({}, { envOf: async () => ((read += 1), {}) });
  const ref = world.program("export default { fetch() { return new Response(");
  for (let n = 0; n < 5; n += 1)
    expect(await world.ask(ref)).toMatchObject({ code: "program_broken" });
  expect(read).toBe(1);
  expect(world.lines).toHaveLength(1);
  expect(world.lines[0]).toMatchObject({ level: "error", data: { code: "program_broken" } });
  expect(world.supervisor.processesOf(ref.siteId)).toEqual([]);
});

test("a program that needs a variable works as soon as it is set", async () => {
  const world = await start();
  const ref = world.program(
    `if (!process.env.NEEDED) throw new Error("NEEDED is not set"); ${answering("env.NEEDED")}`,
  );
  expect(await world.ask(ref)).toMatchObject({ code: "program_broken" });
  expect(world.lines[0]?.message).toContain("NEEDED is not set");
  world.env.set(ref.siteId, { NEEDED: "here" });
  world.supervisor.envChanged(ref.siteId);
  expect(await world.ask(ref)).toEqual({ status: 200, text: "here" });
});

test("a process that ends before its program runs is tried again later and later", async () => {
  let at = 0;
  const world = await start({}, { nowMs: () => at, random: () => new Uint8Array([255]) });
  const ref = world.program("process.exit(7); export default {}");
  expect(await world.ask(ref)).toMatchObject({ code: "start_failed", retryAfterSeconds: 1 });
  expect(await world.ask(ref)).toMatchObject({ code: "start_failed", retryAfterSeconds: 1 });
  expect(world.lines).toHaveLength(1);
  expect(world.lines[0]?.message).toBe(
    "The program did not start: its process ended before it ran (exit code 7); it is tried again in 1 s",
  );
  at += 1000;
  expect(await world.ask(ref)).toMatchObject({ code: "start_failed", retryAfterSeconds: 2 });
  expect(world.lines).toHaveLength(2);
});

test("requests after a change of variables see the new ones, also those that come at once", async () => {
  const world = await start();
  const ref = world.program(answering("env.WHO"));
  world.env.set(ref.siteId, { WHO: "ada" });
  expect((await world.ask(ref)).text).toBe("ada");
  const pid = world.pidOf(ref.siteId);
  world.env.set(ref.siteId, { WHO: "grace" });
  world.supervisor.envChanged(ref.siteId);
  const told = await Promise.all([world.ask(ref), world.ask(ref)]);
  expect(told.map(({ text }) => text)).toEqual(["grace", "grace"]);
  expect(world.pidOf(ref.siteId)).toBe(pid);
});

test("a change of variables during a start is not lost", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Record<string, string>>();
  let times = 0;
  const envOf = (): Promise<Record<string, string>> => {
    times += 1;
    asked.resolve();
    return times === 1 ? answer.promise : Promise.resolve({ WHO: "new" });
  };
  const world = await start({}, { envOf });
  const ref = world.program(answering("env.WHO"));
  const told = world.ask(ref);
  await asked.promise;
  world.supervisor.envChanged(ref.siteId);
  answer.resolve({ WHO: "old" });
  expect((await told).text).toBe("new");
});

test("no more processes than may be: the longest idle one makes room, else requests wait", async () => {
  const world = await start({ "functions.processes": 2 });
  const [a, b, c] = [world.program(PID), world.program(PID), world.program(PID)];
  const first = await world.ask(a);
  await world.ask(b);
  const third = await world.ask(c);
  expect(third.status).toBe(200);
  expect(world.supervisor.processesOf(a.siteId)).toEqual([]);
  const slow = [world.ask(b, "/slow"), world.ask(c, "/slow")];
  const again = world.ask(a);
  expect(await Promise.all(slow)).toMatchObject([{ status: 200 }, { status: 200 }]);
  expect((await again).text).not.toBe(first.text);
});

test("a removed site leaves neither a process nor a folder", async () => {
  const world = await start();
  const ref = world.program(
    answering(
      "(await env.DB.exec('create table if not exists t (a)'), url.pathname === '/slow' ? await new Promise(() => {}) : process.pid)",
    ),
  );
  const first = await world.ask(ref);
  const folder = world.folder(ref.siteId);
  expect(existsSync(join(folder, "data.db"))).toBe(true);
  expect(await world.supervisor.databaseBytes(ref.siteId)).toBeGreaterThan(4000);
  const slow = world.ask(ref, "/slow");
  await until(() => world.supervisor.busy() === 1);
  await world.supervisor.forget(ref.siteId);
  expect(await slow).toMatchObject({ code: "program_gone" });
  expect([existsSync(folder), isRunning(Number(first.text))]).toEqual([false, false]);
});

test("a visitor who leaves ends the request in the program", async () => {
  const world = await start();
  const ref = world.program(`
    let left = 0;
    export default { async fetch(request) {
      if (new URL(request.url).pathname === "/left") return new Response(String(left));
      request.signal.addEventListener("abort", () => { left += 1 });
      await new Promise(() => {});
    } }`);
  await world.ask(ref, "/left");
  const visitor = new AbortController();
  const told = world.ask(ref, "/", { signal: visitor.signal });
  await until(() => world.supervisor.busy() === 1);
  visitor.abort();
  expect(await told).toMatchObject({ code: "cancelled" });
  expect((await world.ask(ref, "/left")).text).toBe("1");
  expect(world.supervisor.busy()).toBe(0);
});

test("handlers are told without a start once they are known", async () => {
  const world = await start({ "functions.idleSeconds": 1 });
  const ref = world.program("export default { fetch() {}, scheduled() {} }");
  expect(await world.supervisor.handlersOf(ref)).toEqual({
    fetch: true,
    scheduled: true,
    websocket: false,
  });
  await until(() => world.supervisor.processesOf(ref.siteId).length === 0);
  expect(await world.supervisor.handlersOf(ref)).toMatchObject({ scheduled: true });
  expect(world.supervisor.processesOf(ref.siteId)).toEqual([]);
});

test("a schedule is a call, answered when its handler is done", async () => {
  const world = await start();
  const ref = world.program(`
    let ran = "";
    export default {
      fetch() { return new Response(ran) },
      async scheduled(event) { if (ran) throw new RangeError("too often"); await 1; ran = event.cron },
    }`);
  const scheduled = { cron: "0 4 * * *", scheduledTime: 0, requestId: "run-1" };
  await world.supervisor.call(ref, "scheduled", scheduled);
  expect((await world.ask(ref)).text).toBe("0 4 * * *");
  await expect(world.supervisor.call(ref, "scheduled", scheduled)).rejects.toThrow(
    "RangeError: too often",
  );
  await until(() => world.lines.length > 0);
  expect(world.lines[0]).toMatchObject({ level: "error", requestId: "run-1" });
  expect(world.lines[0]?.message).toStartWith("Uncaught RangeError: too often\n    at scheduled");
});

test("what a program logs reaches its owner with the request", async () => {
  const world = await start();
  const ref = world.program(answering("console.warn('careful', 1) ?? 'x'"));
  await world.ask(ref, "/log");
  await until(() => world.lines.length > 0);
  expect(world.lines[0]).toMatchObject({
    siteId: ref.siteId,
    level: "warn",
    message: "careful 1",
    requestId: "r-/log",
  });
});

test("stop lets programs finish for so long, then leaves no process", async () => {
  const world = await start({ drainSeconds: 1, "functions.pool": 1 });
  const [quick, endless] = [
    world.program(PID),
    world.program("export default { fetch: () => new Promise(() => {}) }"),
  ];
  await world.ask(quick);
  const finishes = world.ask(quick, "/slow");
  const never = world.ask(endless);
  await until(() => world.supervisor.busy() === 2);
  const pids = [world.pidOf(quick.siteId), world.pidOf(endless.siteId)];
  await world.supervisor.stop();
  expect(await finishes).toMatchObject({ status: 200 });
  expect((await never).code).toBeDefined();
  expect(pids.map(isRunning)).toEqual([false, false]);
  expect(childrenOf(process.pid)).toEqual([]);
  expect(await world.ask(quick)).toMatchObject({ code: "stopping" });
}, 20_000);

/** Processes that a process started and that are there. */
function childrenOf(pid: number): number[] {
  const { stdout } = Bun.spawnSync(["ps", "-o", "pid=,comm=", "--ppid", String(pid)]);
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.trim().endsWith("ps"))
    .map((line) => Number.parseInt(line, 10));
}
