import { ptr } from "bun:ffi";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

import { openCLibrary } from "#base/c-library.ts";

/**
 * How urgent processes of programs are to the kernel. The server comes first, then programs, then those that hold a core.
 *
 * Measured on two cores with six endless loops beside one small server, p99 of an answer: 13 ms untouched, 8 ms with the loops
 * at nice 19. Where the kernel groups processes by session (autogroup), a nice value counts within its group alone, and a policy
 * of the group's member is not seen from outside (5 to 8 ms): there the group is made less urgent (0.3 ms). Elsewhere the loops
 * become SCHED_IDLE, which every other process interrupts at once (1.0 ms).
 */
export type Urgency = {
  /** Where a program stands while it behaves. */
  settle: (pid: number) => void;
  /** Below all others. */
  lower: (pid: number) => void;
  /** Back to where it was. False: the kernel does not let us. */
  raise: (pid: number) => boolean;
};

const SETTLED_NICE = 5;
const LOWEST_NICE = 19;
const SCHED_OTHER = 0;
const SCHED_IDLE = 5;
const PRIO_PROCESS = 0;

/** The way that works on this machine. */
export function createUrgency(): Urgency {
  if (process.platform !== "linux") return { settle() {}, lower() {}, raise: () => true };
  const threads = threadUrgency();
  if (!isGroupedBySession()) return threads;
  const own = groupOf("self");
  // A process in our own group must not take us down with it.
  const way = (pid: number): Urgency => (groupOf(pid) === own ? threads : BY_GROUP);
  return {
    settle: (pid) => way(pid).settle(pid),
    lower: (pid) => way(pid).lower(pid),
    raise: (pid) => way(pid).raise(pid),
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

const BY_GROUP: Urgency = {
  settle: (pid) => void setGroup(pid, SETTLED_NICE),
  lower: (pid) => void setGroup(pid, LOWEST_NICE),
  raise: (pid) => setGroup(pid, SETTLED_NICE),
};

function setGroup(pid: number, nice: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(nice));
    return true;
  } catch {
    // It has ended, or somebody who is not root did this a tenth of a second ago.
    return false;
  }
}

function threadUrgency(): Urgency {
  const calls = openCLibrary({
    setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
    sched_setscheduler: { args: ["i32", "i32", "ptr"], returns: "i32" },
  });
  const parameters = new Int32Array([0]);
  const schedule = (pid: number, policy: number): boolean =>
    threadsOf(pid).every((id) => calls.sched_setscheduler(id, policy, ptr(parameters)) === 0);
  return {
    settle(pid) {
      for (const id of threadsOf(pid)) calls.setpriority(PRIO_PROCESS, id, SETTLED_NICE);
    },
    lower: (pid) => void schedule(pid, SCHED_IDLE),
    raise: (pid) => schedule(pid, SCHED_OTHER),
  };
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
