import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

import { createCores } from "#runtime/process/cores.ts";
import { threadsOf } from "#runtime/process/threads.ts";

const children: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
});

/** A process with threads, of which one computes. */
async function startThreads(): Promise<number> {
  const code =
    "new Worker('data:text/javascript,postMessage(0); for (;;);').onmessage = () => console.log('here')";
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
  children.push(child);
  await child.stdout.getReader().read();
  return child.pid;
}

/** Cores that the threads of a process may compute on, as the kernel words it; each once. */
function coresOf(pid: number): string[] {
  const lists = threadsOf(pid).map((id) => {
    const status = readFileSync(`/proc/${pid}/task/${id}/status`, "latin1");
    return /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? "";
  });
  return [...new Set(lists)];
}

/** As the kernel words it. */
const listOf = (cores: readonly number[]): string =>
  cores
    .filter((core) => !cores.includes(core - 1))
    .map((first) => {
      let last = first;
      while (cores.includes(last + 1)) last += 1;
      return first === last ? `${first}` : `${first}-${last}`;
    })
    .join();

const hasCores = process.platform === "linux" && availableParallelism() > 1;

test.if(hasCores)("all threads of a process go where it is put, and back", async () => {
  const pid = await startThreads();
  const before = coresOf(pid);
  const cores = createCores(true);
  cores.confine(pid);
  expect(coresOf(pid)).toEqual([listOf(cores.rest)]);
  cores.gather(pid);
  expect(coresOf(pid)).toEqual([listOf(cores.free)]);
  cores.release(pid);
  expect(coresOf(pid)).toEqual(before);
  expect(listOf([...cores.free, ...cores.rest])).toBe(before.join());
});

test.if(hasCores)(
  "where programs may not be placed for good none is, not even for a moment",
  async () => {
    const pid = await startThreads();
    const before = coresOf(pid);
    const cores = createCores(false);
    cores.confine(pid);
    cores.gather(pid);
    expect([coresOf(pid), cores.free]).toEqual([before, []]);
    expect(listOf(cores.rest)).toBe(before.join());
  },
);
