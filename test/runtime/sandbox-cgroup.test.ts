import { expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { createLog } from "#base/log.ts";
import { temporaryFolder } from "#test/support/land.ts";

import { openCgroups } from "../../src/runtime/sandbox/cgroup.ts";
import { createGrouping } from "../../src/runtime/sandbox/grouped.ts";
import type { GuestProcess } from "../../src/runtime/sandbox/spawn.ts";

const LIMITS = { memoryBytes: 268_435_456, weight: 50, threads: 64 };

/** A folder with the files that the kernel shows of a delegated group. */
async function group(files: Record<string, string> = {}, path = "/land.service") {
  const folder = await temporaryFolder("cgroup");
  const mount = join(folder.path, "cgroup");
  const own = join(mount, "land.service");
  await mkdir(own, { recursive: true });
  const self = join(folder.path, "self");
  const all = {
    "cgroup.controllers": "cpuset cpu io memory pids\n",
    "cgroup.procs": "42\n",
    "cgroup.subtree_control": "",
    ...files,
  };
  for (const [name, text] of Object.entries(all)) await Bun.write(join(own, name), text);
  await Bun.write(self, `0::${path}\n`);
  return { folder, own, system: { mount, self, pid: 42 } };
}

const text = (...path: string[]): Promise<string> => Bun.file(join(...path)).text();

test("the server moves into a leaf, and a program gets limits", async () => {
  const { folder, own, system } = await group();
  await using _ = folder;
  const cgroups = openCgroups(system);
  expect(await text(own, "server/cgroup.procs")).toBe("42");
  expect(await text(own, "server/cpu.weight")).toBe("1000");
  expect(await text(own, "cgroup.subtree_control")).toBe("+cpu +memory +pids");

  const one = cgroups?.create("7", LIMITS);
  one?.add(4711);
  const inside = join(own, "program-7");
  expect(await text(inside, "memory.max")).toBe("268435456");
  expect(await text(inside, "memory.swap.max")).toBe("0");
  expect(await text(inside, "pids.max")).toBe("64");
  expect(await text(inside, "cpu.weight")).toBe("50");
  expect(await text(inside, "cgroup.procs")).toBe("4711");
  one?.kill();
  expect(await text(inside, "cgroup.kill")).toBe("1");
});

test("the end by memory is read", async () => {
  const { folder, own, system } = await group();
  await using _ = folder;
  const one = openCgroups(system)?.create("7", LIMITS);
  const inside = join(own, "program-7");
  expect(one?.ranOutOfMemory()).toBe(false);
  await Bun.write(join(inside, "memory.events"), "low 0\noom 1\noom_kill 1\n");
  expect(one?.ranOutOfMemory()).toBe(true);
  expect(one?.remove()).toBe(false); // here its files are real ones
  await rm(inside, { recursive: true });
  await mkdir(inside);
  expect(one?.remove()).toBe(true);
});

test("what an earlier server left is swept, and its leaf is found again", async () => {
  const { folder, own, system } = await group({}, "/land.service/server");
  await using _ = folder;
  await mkdir(join(own, "program-3"));
  await mkdir(join(own, "other"));
  expect(openCgroups(system)).toBeDefined();
  expect(
    await Array.fromAsync(new Bun.Glob("*").scan({ cwd: own, onlyFiles: false })),
  ).not.toContain("program-3");
});

test.each([
  ["other processes are in the group", { "cgroup.procs": "42\n43\n" }],
  ["a controller is missing", { "cgroup.controllers": "cpu pids\n" }],
])("undefined where %s", async (_what, files) => {
  const { folder, system } = await group(files);
  await using _ = folder;
  expect(openCgroups(system)).toBeUndefined();
});

test("undefined with version 1, with none at all, and outside its own root", async () => {
  const { folder, system } = await group();
  await using _ = folder;
  await Bun.write(system.self, "4:memory:/land\n");
  expect(openCgroups(system)).toBeUndefined();
  await Bun.write(system.self, "0::/../elsewhere\n");
  expect(openCgroups(system)).toBeUndefined();
  expect(openCgroups({ ...system, self: join(folder.path, "none") })).toBeUndefined();
});

function process(pid: number, exited: GuestProcess["exited"]) {
  const killed: number[] = [];
  const guest: GuestProcess = {
    pid,
    link: -1,
    sync: -1,
    exited,
    stderrTail: () => "",
    heard: () => undefined,
    wasHeard: () => true,
    kill: () => void killed.push(pid),
  };
  return { guest, killed };
}

test("a process is put into a group, ended with it, and its end by memory is logged", async () => {
  const { folder, own, system } = await group();
  await using _ = folder;
  const logged: string[] = [];
  const log = createLog(
    "info",
    (line) => void logged.push(line),
    () => new Date(0),
  );
  const ended = Promise.withResolvers<{ code: null; signal: string }>();
  const { guest, killed } = process(4711, ended.promise);
  const grouped = createGrouping(1000, log, () => openCgroups(system))(guest);
  const inside = join(own, "program-4711");
  expect(await text(inside, "cgroup.procs")).toBe("4711");
  expect(await text(inside, "memory.max")).toBe("1250");
  grouped.kill();
  expect(killed).toEqual([4711]);
  expect(await text(inside, "cgroup.kill")).toBe("1");
  await Bun.write(join(inside, "memory.events"), "oom_kill 1\n");
  ended.resolve({ code: null, signal: "SIGKILL" });
  await ended.promise;
  await Bun.sleep(0);
  expect(logged.join("")).toContain("sandbox.memory");
});

test("where a group cannot be made, the process runs without, and that is logged", async () => {
  const logged: string[] = [];
  const log = createLog(
    "info",
    (line) => void logged.push(line),
    () => new Date(0),
  );
  const { guest } = process(1, new Promise(() => undefined));
  const broken = {
    create() {
      throw new Error("no room");
    },
  };
  expect(createGrouping(1000, log, () => broken)(guest)).toBe(guest);
  expect(logged.join("")).toContain("no room");
  expect(createGrouping(1000, log, () => undefined)(guest)).toBe(guest);
});
