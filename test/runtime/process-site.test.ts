import { afterEach, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { ServerConfig } from "#base/config.ts";
import { createSubrequests } from "#runtime/egress/subrequests.ts";
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

/** Answers with its pid; never for `/slow`. */
const HANGING = answering("url.pathname === '/slow' ? await new Promise(() => {}) : process.pid");

test("a site has no more processes than it may: its own longest idle one goes, else it is busy, and others never wait", async () => {
  const world = await start({ "functions.processesPerSite": 2, "functions.processes": 3 });
  const a = world.program(HANGING);
  const [b, c] = [1, 2].map(() => world.program(HANGING, { siteId: a.siteId }));
  if (!b || !c) throw new Error("no programs");
  const [first, second] = [await world.ask(a), await world.ask(b)];
  expect(await world.ask(c)).toMatchObject({ status: 200 });
  expect(isRunning(Number(first.text))).toBe(false);
  expect(isRunning(Number(second.text))).toBe(true);
  const leaving = new AbortController();
  const slow = [b, c].map((ref) => world.ask(ref, "/slow", { signal: leaving.signal }));
  await until(() => world.supervisor.busy() === 2);
  const startedMs = performance.now();
  expect(await world.ask(a)).toMatchObject({ code: "busy" });
  expect((await world.line("busy")).message).toBe(
    "The program was not started: 2 deploys of the site are at work, and no more may be at a time",
  );
  expect(await world.ask(world.program(HANGING))).toMatchObject({ status: 200 });
  expect(performance.now() - startedMs).toBeLessThan(5000);
  leaving.abort();
  expect(await Promise.all(slow)).toMatchObject([{ code: "cancelled" }, { code: "cancelled" }]);
  expect(await world.ask(a)).toMatchObject({ status: 200 });
});

test("a fetch counts for a request only while that is open on the process that asks", async () => {
  const asked: string[] = [];
  const bindings: SupervisorParts["bindings"] = [
    {
      async request(_tenant, { url, requestId }) {
        asked.push(`${url} of "${requestId}"`);
        return { status: 200, statusText: "", headers: [], body: null };
      },
    },
  ];
  const world = await start({}, { bindings });
  const ref = world.program(`export default { async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    const ask = async (when) => void (await fetch("https://" + when + ".example/"));
    await ask("before");
    ctx.waitUntil(Bun.sleep(200).then(() => ask("after")));
    if (pathname !== "/stream") return new Response("");
    return new Response(new ReadableStream({ type: "direct", async pull(controller) {
      await ask("within");
      controller.write("x");
      controller.close();
    } }));
  } };`);
  await world.ask(ref, "/plain");
  await until(() => asked.length === 2);
  expect(asked).toEqual(['https://before.example/ of "r-/plain"', 'https://after.example/ of ""']);
  asked.length = 0;
  await world.ask(ref, "/stream");
  expect(asked).toEqual([
    'https://before.example/ of "r-/stream"',
    'https://within.example/ of "r-/stream"',
  ]);
});

test("what belongs to no request has a share of each second, and no site drops the counts of another", () => {
  let nowMs = 0;
  const count = createSubrequests(3, () => new Date(nowMs));
  const four = (siteId: number, requestId: string): boolean[] =>
    Array.from({ length: 4 }, () => count(siteId, requestId));
  const three = [true, true, true, false];
  expect([four(1, ""), four(1, "a"), four(2, "")]).toEqual([three, three, three]);
  for (let n = 0; n < 50_000; n += 1) count(2, `r${n}`);
  expect([count(1, "a"), count(1, "")]).toEqual([false, false]);
  nowMs = 1000;
  expect([count(1, "a"), count(1, "")]).toEqual([false, true]);
});

test("a database that is full is removed, and the program starts with an empty one", async () => {
  const world = await start({ "functions.diskBytes": 1024 * 1024 });
  const ref = world.program(
    answering(
      "(await env.DB.exec('create table if not exists t (a)'), url.pathname === '/fill' && await env.DB.prepare('insert into t values (randomblob(3000000))').run(), (await env.DB.prepare('select count(*) as n from t').first()).n)",
    ),
  );
  expect((await world.ask(ref)).text).toBe("0");
  const before = world.pidOf(ref.siteId);
  const filled = await world.ask(ref, "/fill");
  // It may be found too large before it has answered.
  expect(filled.code ?? filled.text).toMatch(/^(?:1|disk_limit)$/);
  const [told] = await Promise.all([
    world.ask(ref).then(() => world.ask(ref)),
    world.supervisor.removeDatabase(ref.siteId),
    world.supervisor.removeDatabase(ref.siteId),
  ]);
  expect([told.code, told.status]).toEqual([undefined, 200]);
  expect(isRunning(before)).toBe(false);
  expect((await world.ask(ref)).text).toBe("0");
  expect(await world.supervisor.databaseBytes(ref.siteId)).toBeLessThan(1024 * 1024);
});

test("a folder that a program nested too deeply has no size", async () => {
  const world = await start();
  const ref = world.program(answering("(await env.DB.exec('create table t (a)'), 'made')"));
  expect((await world.ask(ref)).text).toBe("made");
  await mkdir(join(world.folder(ref.siteId), "a/".repeat(20)), { recursive: true });
  expect(await world.supervisor.databaseBytes(ref.siteId)).toBeNull();
});

test("the first request without a body that a dead process leaves behind is asked anew, once", async () => {
  const world = await start();
  const ref = world.program(answering("url.pathname === '/exit' ? process.exit(3) : process.pid"));
  const slow = world.program(
    "export default { async fetch(request) { if (new URL(request.url).pathname === '/wait') await Bun.sleep(300); return new Response(process.pid + await request.text()); } };",
  );
  const before = await world.ask(slow);
  const waiting = [
    world.ask(slow, "/wait", { body: Buffer.from("x") }),
    world.ask(slow, "/wait"),
    world.ask(slow, "/wait"),
  ];
  await until(() => world.supervisor.busy() === 3);
  process.kill(Number(before.text), "SIGKILL");
  const told = await Promise.all(waiting);
  expect(told.map(({ code, status }) => code ?? status)).toEqual(["crashed", 200, "crashed"]);
  expect(told[1]?.text).not.toBe(before.text);
  // Who ends each process is not given a third.
  await world.ask(ref);
  expect(await world.ask(ref, "/exit")).toMatchObject({ code: "crashed" });
  const ends = () => world.lines.filter(({ siteId }) => siteId === ref.siteId).length;
  await until(() => ends() === 2);
});
