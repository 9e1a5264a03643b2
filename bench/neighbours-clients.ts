/**
 * The visitors of `bench/neighbours.ts`, in processes of their own as visitors are: what one of them reads must not hold up the
 * clock of another.
 *
 *   bun bench/neighbours-clients.ts measure <seconds> <url>    [since the start, time] of each answer in ms, as JSON
 *   bun bench/neighbours-clients.ts attack <url>…              one visitor each who never stops; prints refusals by code when told to end
 */
import { ptr } from "bun:ffi";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

import { openCLibrary } from "#base/c-library.ts";
import { createSlices } from "#runtime/process/slices.ts";

const [mode, ...args] = process.argv.slice(2);

/** Reads an answer to its end, and keeps nothing. */
async function read(response: Response): Promise<void> {
  await response.body?.pipeTo(new WritableStream());
}

async function measure(url: string, seconds: number): Promise<void> {
  const times: [atMs: number, ms: number][] = [];
  // What fetches has a thread of its own from the first time on.
  await read(await fetch(url));
  standAbove();
  const fromMs = performance.now();
  let atMs = 0;
  while (atMs < seconds * 1000) {
    const startedMs = performance.now();
    const response = await fetch(url);
    await read(response);
    if (!response.ok)
      throw new Error(`the victim was refused: ${response.headers.get("x-code") ?? ""}`);
    const endedMs = performance.now();
    times.push([atMs, endedMs - startedMs]);
    await Bun.sleep(2);
    atMs = performance.now() - fromMs;
  }
  console.log(JSON.stringify(times));
}

/** Asks again as soon as it is answered, as one who wants it to hurt does; a little later where it is refused. */
async function attack(url: string, signal: AbortSignal, codes: Map<string, number>): Promise<void> {
  while (!signal.aborted) {
    try {
      const response = await fetch(url, { signal });
      await read(response);
      const code = response.headers.get("x-code");
      if (code !== null) codes.set(code, (codes.get(code) ?? 0) + 1);
    } catch {
      // It broke off.
    }
    await Bun.sleep(20);
  }
}

/** The processor that the visitor brings is there when it needs it: its own wait for one of this machine's is not what is measured. */
function standAbove(): void {
  const slices = createSlices();
  for (const id of readdirSync("/proc/self/task"))
    if (Number(id) === process.pid || nameOf(id).startsWith("HTTP Client"))
      slices.set(Number(id), 100_000);
}

function nameOf(thread: string): string {
  return readFileSync(`/proc/self/task/${thread}/comm`, "latin1");
}

/** Visitors bring processors of their own: these take of this machine's what nobody else wants. */
function standBelow(): void {
  const SCHED_IDLE = 5;
  const { sched_setscheduler } = openCLibrary({
    sched_setscheduler: { args: ["i32", "i32", "ptr"], returns: "i32" },
  });
  for (const id of readdirSync("/proc/self/task"))
    sched_setscheduler(Number(id), SCHED_IDLE, ptr(new Int32Array([0])));
  try {
    // Where sessions are what the kernel shares its time between; this one was started in its own.
    writeFileSync("/proc/self/autogroup", "19");
  } catch {
    // It does not group them.
  }
}

if (mode === "measure") await measure(args[1] ?? "", Number(args[0]));
else {
  standBelow();
  const stop = new AbortController();
  const codes = new Map<string, number>();
  const attacks = args.map((url) => attack(url, stop.signal, codes));
  for await (const _ of Bun.stdin.stream());
  stop.abort();
  await Promise.all(attacks);
  console.log([...codes].map(([code, count]) => `${code} ${count}`).join(", "));
  process.exit(0);
}
