import { readFileSync } from "node:fs";

import { openCLibrary } from "#base/c-library.ts";

import type { Cores } from "./cores.ts";
import { threadsOf } from "./threads.ts";

/** Where the server itself computes while programs hold the other cores. */
export type Shelter = {
  /** Its main thread stays where none of them may be, until nobody has asked for that for a moment. */
  hold: () => void;
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

/** Makes it for this process. The kernel else may leave the main thread for half a second on a core that is held, 4 ms late at each turn. */
export function createShelter(cores: Pick<Cores, "shelter" | "displace" | "expose">): Shelter {
  const { setpriority } = openCLibrary({
    setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
  });
  let known = new Set<number>();
  const patient = new Set<number>();
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
  };
}

function nameOf(thread: number): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, "latin1");
  } catch {
    return "";
  }
}
