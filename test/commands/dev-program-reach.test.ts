import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";

import { startClock } from "#server/dev-crons.ts";

import { type Dev, nextOf, startDev, startDevIn } from "./dev-world.ts";
import { run } from "./world.ts";

// Processes are started, and others may keep the machine busy.
setDefaultTimeout(30_000);

const textOf = async (dev: Dev, path: string): Promise<string> => (await dev.get(path)).text();

/** Pids of processes that this one started. */
function childrenOf(pid: number): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [, state, parent] = stat.slice(stat.lastIndexOf(")")).split(" ");
      return state !== "Z" && Number(parent) === pid ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

test("a WebSocket is answered, also by the program that comes next", async () => {
  const echo = (mark: string): string => `export default {
  fetch: () => new Response("no socket"),
  websocket: { message(socket, message) { socket.send("${mark}" + message); } },
};`;
  await using dev = await startDev({ "main.ts": echo("a") });
  const events = dev.follow();
  await nextOf(events);
  const messages: string[] = [];
  let told = Promise.withResolvers<void>();
  const socket = new WebSocket(`ws://127.0.0.1:${dev.port}/ws`);
  socket.addEventListener("message", ({ data }) => {
    messages.push(String(data));
    told.resolve();
  });
  const ask = async (text: string): Promise<void> => {
    told = Promise.withResolvers<void>();
    socket.send(text);
    await told.promise;
  };
  await new Promise((open) => socket.addEventListener("open", open, { once: true }));
  await ask("1");
  await dev.write({ "main.ts": echo("b") });
  await nextOf(events);
  await ask("2");
  expect(messages).toEqual(["a1", "b2"]);
  const closed = new Promise<CloseEvent>((done) => socket.addEventListener("close", done));
  const { stderr } = await dev.stop();
  expect((await closed).code).toBe(1001);
  expect(stderr).toMatch(/GET {2}101 \/ws [\d.]+ ms → main\.ts/);
});

test("schedules are listed and run by a POST of this machine alone", async () => {
  const main = `let ran = [];
export default {
  fetch: () => Response.json(ran),
  scheduled({ cron, scheduledTime }) {
    if (cron === "@daily") throw new Error("not today");
    ran.push([cron, typeof scheduledTime]);
  },
};`;
  const crons = ["*/10 * * * *", { cron: "@daily", timeZone: "Europe/Berlin" }];
  const files = { "main.ts": main, "land.json": JSON.stringify({ site: { crons } }) };
  await using dev = await startDev(files);
  const path = (cron: string): string => `/.land/scheduled?cron=${encodeURIComponent(cron)}`;
  const post = (target: string, headers?: Record<string, string>): Promise<Response> =>
    dev.get(target, headers, "POST");
  const ran = await post(path("*/10 * * * *"));
  expect(await ran.json()).toMatchObject({
    cron: "*/10 * * * *",
    timeZone: "UTC",
    outcome: "done",
  });
  expect(await (await dev.get("/")).json()).toEqual([["*/10 * * * *", "number"]]);
  const failed = await post(path("@daily"));
  expect([failed.status, await failed.json()]).toMatchObject([500, { outcome: "failed" }]);
  await dev.running.shows("Error: not today");
  expect((await post("/.land/scheduled")).status).toBe(400);
  expect((await post(path("1 1 1 1 1"))).status).toBe(404);
  expect((await dev.get(path("@daily"))).status).toBe(405);
  const origin = "https://evil.example";
  expect((await post(path("@daily"), { origin })).status).toBe(400);
  const { stderr } = await dev.stop();
  expect(stderr).toMatch(
    /schedule: \*\/10 \* \* \* \* \(UTC\), next at \d{4}-\d\d-\d\d \d\d:\d0 UTC/,
  );
  expect(stderr).toContain("Schedules wait for --crons");
  expect(stderr.split("Error: not today")).toHaveLength(2);
});

test("fetch reaches an address of this machine only where it was given", async () => {
  const main = `export default {
  async fetch(request) {
    try {
      return await fetch(new URL(request.url).searchParams.get("url"));
    } catch (error) {
      return new Response(error.code);
    }
  },
};`;
  const other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("other") });
  const target = `/?url=http://127.0.0.1:${other.port}/`;
  await using dev = await startDev({ "main.ts": main });
  expect(await textOf(dev, target)).toBe("egress_denied");
  await dev.stop();
  await using again = await startDevIn(dev.dir, ["--egress-private", `127.0.0.1:${other.port}`]);
  expect(await textOf(again, target)).toBe("other");
  await other.stop(true);
  const wrong = await run(["dev", dev.dir, "--egress-private", "example.com"], { cwd: dev.dir });
  expect(wrong.exitCode).not.toBe(0);
  expect(wrong.stderr).toContain("example.com");
});

test("without the sandbox it says so, and with --json what is run", async () => {
  const files = { "main.ts": 'res.send("free");', "land.json": '{"site":{"crons":["@daily"]}}' };
  await using dev = await startDev(files, ["--unsafe-no-sandbox", "--json"]);
  expect(await textOf(dev, "/")).toBe("free");
  const ran = await dev.stop();
  expect(ran.stderr).toContain("warning: The program runs WITHOUT the sandbox");
  expect(ran.json()).toMatchObject({
    program: { name: "main.ts", sandboxed: false, problem: null, crons: [{ cron: "@daily" }] },
  });
});

test("Ctrl-C ends every process of the program", async () => {
  const before = new Set(childrenOf(process.pid));
  const main = `export default {
  async fetch(request, env, ctx) {
    ctx.waitUntil(new Promise(() => setInterval(() => {}, 1000)));
    return new Response("busy");
  },
};`;
  await using dev = await startDev({ "main.ts": main });
  expect(await textOf(dev, "/")).toBe("busy");
  const started = childrenOf(process.pid).filter((pid) => !before.has(pid));
  expect(started.length).toBeGreaterThan(0);
  expect((await dev.stop()).exitCode).toBe(0);
  const left = childrenOf(process.pid);
  expect(started.filter((pid) => left.includes(pid))).toEqual([]);
});

test("the clock runs what is due, and tells what came of it", async () => {
  const minute = Date.UTC(2026, 0, 1, 12, 30);
  const startedMs = performance.now();
  const told = Promise.withResolvers<unknown>();
  const clock = startClock({
    now: () => new Date(minute - 20 + performance.now() - startedMs),
    crons: () => [
      { cron: "* * * * *", timeZone: "UTC" },
      { cron: "@yearly", timeZone: "UTC" },
    ],
    async run(cron, scheduledTimeMs) {
      throw new Error(`${cron} at ${scheduledTimeMs}`);
    },
    onRun: (cron, problem) => told.resolve([cron.cron, problem]),
  });
  expect(await told.promise).toEqual(["* * * * *", `* * * * * at ${minute}`]);
  clock.stop();
});
