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
