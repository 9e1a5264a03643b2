import { ptr } from "bun:ffi";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";

import { openCLibrary } from "#base/c-library.ts";

import { type Cores, createCores } from "./cores.ts";
import { mayPlace, mayRaise } from "./rights.ts";
import { createShelter, type Shelter } from "./shelter.ts";
import { createSlices, type Slices } from "./slices.ts";
import { threadsOf } from "./threads.ts";

/**
 * How urgent processes of programs are to the kernel. The server comes first, then programs, then those that hold a core.
 *
 * Measured on two cores with six endless loops beside one small server, p99 of an answer: 13 ms untouched, 8 ms with the loops
 * at nice 19. Where the kernel groups processes by session (autogroup), a nice value counts within its group alone, and a policy
 * of the group's member is not seen from outside (5 to 8 ms): there the group is made less urgent (0.3 ms). Elsewhere the loops
 * become SCHED_IDLE, which every other process interrupts at once (1.0 ms).
 */
export type Urgency = {
  /** A process that was just started, and computes a while before it does anything; `isAwaited`: for somebody. */
  begin: (pid: number, isAwaited: boolean) => void;
  /** Somebody waits for it now. */
  await: (pid: number) => void;
  /** Where a program stands while it behaves. False: the kernel does not let us. */
  settle: (pid: number) => boolean;
  /** Below all others. */
  lower: (pid: number) => void;
  /** Some that have not settled compute while others are asked: the server keeps away from them for a moment. */
  shelter: () => void;
  /** So do these processes, and no others. */
  gather: (pids: readonly number[]) => void;
  /** A process has ended. */
  forget: (pid: number) => void;
  /** Cores that those have that have not settled, and those that are kept free of them. */
  cores: { low: readonly number[]; free: readonly number[] };
};

/** What differs between systems. */
type Way = Pick<Urgency, "settle" | "lower"> & { begin: (pid: number) => void };

const SETTLED_NICE = 5;
const LOWEST_NICE = 19;
const SCHED_OTHER = 0;
const SCHED_IDLE = 5;
const PRIO_PROCESS = 0;

/** Turns of what runs: the shortest that the kernel knows for the server, since whoever has a shorter one interrupts the others. */
const SLICE_NS = { server: 100_000, settled: 400_000 } as const;

/** The way that works on this machine. */
export function createUrgency(): Urgency {
  if (process.platform !== "linux") {
    const low = [...Array(availableParallelism()).keys()];
    return {
      begin() {},
      await() {},
      settle: () => true,
      lower() {},
      shelter() {},
      gather() {},
      forget() {},
      cores: { low, free: [] },
    };
  }
  const slices = createSlices();
  const cores = createCores(mayPlace());
  const shelter = createShelter(cores);
  const threads = threadUrgency(slices, mayPlace());
  if (!isGroupedBySession()) return around(threads, { slices, cores, shelter });
  const own = groupOf("self");
  const groups = groupUrgency(slices, mayRaise() ? threads : undefined);
  // A process in our own group must not take us down with it.
  const way = (pid: number): Way => (groupOf(pid) === own ? threads : groups);
  const grouped: Way = {
    begin: (pid) => way(pid).begin(pid),
    settle: (pid) => way(pid).settle(pid),
    lower: (pid) => way(pid).lower(pid),
  };
  return around(grouped, { slices, cores, shelter });
}

/** From the first program on the server itself has short turns; what it starts would inherit them, and its place. */
export function around(
  way: Way,
  { slices, cores, shelter }: { slices: Slices; cores: Cores; shelter: Shelter },
): Urgency {
  let isSet = false;
  return {
    begin(pid, isAwaited) {
      if (!isSet) slices.set(process.pid, SLICE_NS.server);
      isSet = true;
      slices.set(pid, 0);
      way.begin(pid);
      if (isAwaited) cores.release(pid);
      else cores.confine(pid);
    },
    await: cores.release,
    settle(pid) {
      const isSettled = way.settle(pid);
      // What stays below all others stays where it keeps out of their way.
      if (isSettled) cores.release(pid);
      return isSettled;
    },
    lower(pid) {
      way.lower(pid);
      shelter.leave(pid);
      cores.confine(pid);
    },
    shelter: shelter.hold,
    gather: shelter.gather,
    forget: shelter.leave,
    cores: { low: cores.rest, free: cores.free },
  };
}

/** The name of the session's group that a process is in. */
function groupOf(pid: number | "self"): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/autogroup`, "latin1").split(" ")[0];
  } catch {
    return undefined;
  }
}

/** Whether sessions are what the kernel shares its time between: autogroup is on, and no control group stands above it. */
function isGroupedBySession(): boolean {
  try {
    if (readFileSync("/proc/sys/kernel/sched_autogroup_enabled", "latin1").trim() !== "1")
      return false;
    const own = readFileSync("/proc/self/cgroup", "latin1");
    for (const line of own.trim().split("\n")) {
      const [, controllers = "", path = "/"] = line.split(":", 3);
      const sharesTime =
        controllers.split(",").includes("cpu") || (controllers === "" && hasWeight(path));
      if (sharesTime && path !== "/") return false;
    }
    return true;
  } catch {
    return false;
  }
}

function hasWeight(path: string): boolean {
  try {
    readFileSync(`/sys/fs/cgroup${path}/cpu.weight`);
    return true;
  } catch {
    return false;
  }
}

/**
 * `threads`: where what they do can be taken back. What is idle within its group, too, leaves its core to who looks for one that
 * is free: what else wakes up on the machine goes there, not where the server is.
 */
function groupUrgency(slices: Slices, threads: Way | undefined): Way {
  return {
    // In a group of its own that is usual: whoever starts it waits.
    begin() {},
    settle(pid) {
      if (threads && !threads.settle(pid)) return false;
      slices.set(pid, SLICE_NS.settled);
      return setGroup(pid, SETTLED_NICE);
    },
    lower(pid) {
      slices.set(pid, 0);
      setGroup(pid, LOWEST_NICE);
      threads?.lower(pid);
    },
  };
}

function setGroup(pid: number, nice: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(nice));
    return true;
  } catch {
    // It has ended, or somebody who is not root did this a tenth of a second ago.
    return false;
  }
}

/** `isAllowed`: else all stay as urgent as they begin. */
function threadUrgency(slices: Slices, isAllowed: boolean): Way {
  const calls = openCLibrary({
    setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
    sched_setscheduler: { args: ["i32", "i32", "ptr"], returns: "i32" },
  });
  const parameters = new Int32Array([0]);
  const schedule = (pid: number, policy: number): boolean =>
    threadsOf(pid).every((id) => calls.sched_setscheduler(id, policy, ptr(parameters)) === 0);
  // At once where programs stand: who is not root cannot take it back. Its threads inherit it.
  const begin = (pid: number): void => void calls.setpriority(PRIO_PROCESS, pid, SETTLED_NICE);
  if (!isAllowed) return { begin, settle: () => true, lower() {} };
  return {
    begin,
    settle(pid) {
      const isSettled = schedule(pid, SCHED_OTHER);
      if (isSettled) slices.set(pid, SLICE_NS.settled);
      return isSettled;
    },
    lower: (pid) => void schedule(pid, SCHED_IDLE),
  };
}
