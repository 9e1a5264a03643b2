import { readFileSync } from "node:fs";

import { openCLibrary } from "#base/c-library.ts";

import type { Cores } from "./cores.ts";
import { threadsOf } from "./threads.ts";

/** Where the server itself, and programs that are asked, compute while other programs hold the other cores. */
export type Shelter = {
  /** Its main thread stays where none of those may be, until nobody has asked for that for a moment. */
  hold: () => void;
  /** So do these processes of programs from now on, and no others. */
  gather: (pids: readonly number[]) => void;
  /** A process has another place now, or has ended. */
  leave: (pid: number) => void;
};

const HOLD_MS = 300;
/** How often threads that it started meanwhile, which inherit its place, are given theirs. */
const LOOK_MS = 1000;
/** JavaScriptCore compiles in these what ran often; what runs now goes first. */
const COMPILER = "JITWorker";
/** And in these the allocator gives back what is free. Nobody waits for either. */
const SCAVENGER = "mi-scavenger";
const COMPILER_NICE = 10;
const PRIO_PROCESS = 0;

/**
 * Makes it for this process. The kernel else may leave the main thread, or a program, for seconds on a core that is held, up to 4 ms
 * late at each turn: what holds it is idle within its group, so the kernel takes the core for a free one.
 */
export function createShelter(cores: Omit<Cores, "confine" | "free" | "rest">): Shelter {
  const { setpriority } = openCLibrary({
    setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
  });
  let known = new Set<number>();
  const patient = new Set<number>();
  const gathering = createGathering(cores);
  let untilMs = Number.NEGATIVE_INFINITY;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let timer: Timer | undefined;

  function place(nowMs: number): void {
    lookedMs = nowMs;
    const isHeld = nowMs < untilMs;
    const others = threadsOf(process.pid).filter((id) => id !== process.pid);
    for (const id of others) {
      if (!known.has(id)) {
        const name = nameOf(id);
        const isCompiler = name.startsWith(COMPILER);
        if (isCompiler) setpriority(PRIO_PROCESS, id, COMPILER_NICE);
        if (isCompiler || name === SCAVENGER) patient.add(id);
        else patient.delete(id);
      }
      if (isHeld && patient.has(id)) cores.displace(id);
      else cores.expose(id);
    }
    known = new Set(others);
    if (isHeld) cores.shelter(process.pid);
    else cores.expose(process.pid);
  }

  function look(): void {
    timer = undefined;
    const now = performance.now();
    if (now >= untilMs) gathering.gather([]);
    if (now - lookedMs > LOOK_MS || now >= untilMs) place(now);
    if (now < untilMs) schedule(untilMs - now);
  }

  function schedule(ms: number): void {
    timer = setTimeout(look, ms);
    timer.unref();
  }

  return {
    hold() {
      untilMs = performance.now() + HOLD_MS;
      if (timer) return;
      place(performance.now());
      schedule(HOLD_MS);
    },
    ...gathering,
  };
}

/** Programs that are with the server. */
function createGathering({
  gather,
  release,
}: Pick<Cores, "gather" | "release">): Pick<Shelter, "gather" | "leave"> {
  const gathered = new Set<number>();
  return {
    gather(pids) {
      for (const pid of gathered) {
        if (pids.includes(pid)) continue;
        gathered.delete(pid);
        release(pid);
      }
      for (const pid of pids) {
        if (gathered.has(pid)) continue;
        gathered.add(pid);
        gather(pid);
      }
    },
    leave: (pid) => void gathered.delete(pid),
  };
}

function nameOf(thread: number): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, "latin1");
  } catch {
    return "";
  }
}
