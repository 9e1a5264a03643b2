import { afterEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createSpawner } from "#runtime/sandbox/spawn.ts";

import { answering, isRunning, type ProcessWorld, processWorld, until } from "./process-world.ts";

const MB = 1024 * 1024;
const open: ProcessWorld[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world.close();
});

const config = {
  "functions.sandbox": "required",
  "functions.uidBase": 2_100_000_000,
  "functions.diskBytes": MB,
  "functions.memoryBytes": 128 * MB,
} as const;
const silent = { info() {}, warn() {}, error() {} };
const problem = createSpawner({ config, log: silent }).problem();

test("kill -9 of the server leaves none of its processes, busy ones included", async () => {
  const folder = await mkdtemp(join(tmpdir(), "land-host-"));
  const host = Bun.spawn([process.execPath, `${import.meta.dir}/process-host.ts`], {
    env: { ...process.env, TMPDIR: folder },
    stdout: "pipe",
  });
  const reader = host.stdout.getReader();
  const { value } = await reader.read();
  const pids = new TextDecoder().decode(value).trim().split(" ").map(Number);
  expect(pids.map(isRunning)).toEqual([true, true]);
  host.kill("SIGKILL");
  await until(() => !pids.some(isRunning));
  await rm(folder, { recursive: true, force: true });
});

test.skipIf(problem !== undefined)(
  "a site over its disk quota starts again with a folder that it may only read",
  async () => {
    const world = await processWorld({ "functions.sandbox": "required" });
    open.push(world);
    const source = `
      import { readFileSync, writeFileSync } from "node:fs";
      export default { async fetch(request, env) {
        void env.DB;
        if (new URL(request.url).pathname === "/read") return new Response(readFileSync("big").length);
        writeFileSync("big", new Uint8Array(Number(new URL(request.url).searchParams.get("bytes"))).fill(1));
        return new Response("written");
      } }`;
    const ref = world.program(source);
    expect(await world.ask(ref, "/write?bytes=3000000")).toEqual({ status: 200, text: "written" });
    const first = world.pidOf(ref.siteId);
    world.quotas.set(ref.siteId, { diskBytes: 2 * MB });
    world.supervisor.quotasChanged(ref.siteId);
    expect((await world.line("disk_limit")).message).toContain("the limit is 2 MB");
    expect(await world.ask(ref, "/read")).toEqual({ status: 200, text: "3000000" });
    expect(world.pidOf(ref.siteId)).not.toBe(first);
    expect((await world.ask(ref, "/write?bytes=1")).code ?? "refused").not.toBe("written");
    expect((await world.ask(ref, "/read")).text).toBe("3000000");
  },
  20_000,
);

test.skipIf(problem !== undefined)(
  "a confined program is limited as any other",
  async () => {
    const world = await processWorld({
      "functions.sandbox": "required",
      "functions.pool": 1,
      "functions.cpuMs": 200,
      "functions.memoryBytes": 128 * MB,
    });
    open.push(world);
    const loops = world.program(answering("(() => { while (true); })()"));
    expect(await world.ask(loops)).toMatchObject({ code: "cpu_limit" });
    const hoards = world.program(
      answering("(() => { const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1)); })()"),
    );
    expect((await world.ask(hoards)).code).toMatch(/^(?:memory|cpu)_limit$/);
  },
  20_000,
);
