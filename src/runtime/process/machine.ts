import { closeSync, openSync, readSync } from "node:fs";

/** Parts of cores of the machine that anybody computes on, from 0 to 1, smoothed; 0 where the system does not tell. */
export type MachineLoad = {
  all: (nowMs: number) => number;
  /** Of those that what has not settled computes on, and of those that are kept free of it: others may be for other servers. */
  low: (nowMs: number) => number;
  free: (nowMs: number) => number;
};

/** How fast older figures are forgotten. */
const MEMORY_MS = { all: 500, low: 100, free: 100 } as const;
const WHICH = ["all", "low", "free"] as const;
/** The line of all cores. */
const ALL = "cpu";
/** The kernel counts in hundredths of a second: over less there is nothing to tell. */
const LEAST_MS = 40;
const scratch = Buffer.alloc(32 * 1024);

/** Opens what the kernel counts of all cores, and of these. */
export function createMachineLoad(
  cores: Record<"low" | "free", readonly number[]>,
  path = "/proc/stat",
): MachineLoad {
  const names = { all: [ALL], low: namesOf(cores.low), free: namesOf(cores.free) };
  let last = readTimes(path, names);
  let lastMs = Number.NEGATIVE_INFINITY;
  const parts = { all: 0, low: 0, free: 0 };
  const look = (nowMs: number): void => {
    if (!last || nowMs - lastMs < LEAST_MS) return;
    const now = readTimes(path, names);
    if (!now) return;
    for (const which of WHICH) {
      const all = now[which].all - last[which].all;
      const busy = all > 0 ? 1 - (now[which].idle - last[which].idle) / all : parts[which];
      parts[which] += (busy - parts[which]) * (1 - Math.exp((lastMs - nowMs) / MEMORY_MS[which]));
    }
    last = now;
    lastMs = nowMs;
  };
  const part = (which: (typeof WHICH)[number]) => (nowMs: number) => {
    look(nowMs);
    return parts[which];
  };
  return { all: part("all"), low: part("low"), free: part("free") };
}

function namesOf(cores: readonly number[]): string[] {
  return cores.map((core) => `cpu${core}`);
}

type Times = { idle: number; all: number };
type Names = Record<(typeof WHICH)[number], readonly string[]>;
type All = Record<(typeof WHICH)[number], Times>;

/**
 * Times of cores together, of `/proc/stat`: user, nice, system, idle, waiting for disks, and what interrupts took. Where none of
 * these is counted by its number, as in some containers, those of all.
 */
function sumTimes(lines: ReadonlyMap<string, number[]>, names: readonly string[]): Times {
  const sum = { idle: 0, all: 0 };
  const known = names.filter((name) => lines.has(name));
  for (const name of known.length > 0 ? known : [ALL]) {
    const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, soft = 0, stolen = 0] =
      lines.get(name) ?? [];
    sum.idle += idle + waiting;
    sum.all += user + nice + system + idle + waiting + irq + soft + stolen;
  }
  return sum;
}

function parseTimes(text: string, names: Names): All | undefined {
  const lines = new Map<string, number[]>();
  for (const [, name = "", figures = ""] of text.matchAll(/^(cpu\d*) +([\d ]+)$/gm))
    lines.set(name, figures.split(" ").map(Number));
  if (!lines.has(ALL)) return undefined;
  const of = (which: keyof Names): Times => sumTimes(lines, names[which]);
  return { all: of("all"), low: of("low"), free: of("free") };
}

function readTimes(path: string, names: Names): All | undefined {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = readSync(file, scratch, 0, scratch.length, 0);
      return parseTimes(scratch.toString("latin1", 0, bytes), names);
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
