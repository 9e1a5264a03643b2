import { closeSync, openSync, readSync } from "node:fs";

/** Part of all cores of the machine that anybody computes on, from 0 to 1, smoothed; 0 where the system does not tell. */
export type MachineLoad = (nowMs: number) => number;

/** How fast older figures are forgotten. */
const MEMORY_MS = 500;
/** The kernel counts in hundredths of a second: over less there is nothing to tell. */
const LEAST_MS = 40;
const scratch = Buffer.alloc(512);

/** Opens what the kernel counts of all cores. */
export function createMachineLoad(path = "/proc/stat"): MachineLoad {
  let last = readTimes(path);
  let lastMs = Number.NEGATIVE_INFINITY;
  let part = 0;
  return (nowMs) => {
    if (!last || nowMs - lastMs < LEAST_MS) return part;
    const now = readTimes(path);
    if (!now) return part;
    const all = now.all - last.all;
    const busy = all > 0 ? 1 - (now.idle - last.idle) / all : part;
    part += (busy - part) * (1 - Math.exp((lastMs - nowMs) / MEMORY_MS));
    last = now;
    lastMs = nowMs;
    return part;
  };
}

type Times = { idle: number; all: number };

/** Times of all cores together, of `/proc/stat`: user, nice, system, idle, waiting for disks, and what interrupts took. */
function parseTimes(text: string): Times | undefined {
  const line = /^cpu +([\d ]+)$/m.exec(text)?.[1];
  if (line === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, soft = 0, stolen = 0] =
    line.split(" ").map(Number);
  const all = user + nice + system + idle + waiting + irq + soft + stolen;
  return Number.isFinite(all) ? { idle: idle + waiting, all } : undefined;
}

function readTimes(path: string): Times | undefined {
  try {
    const file = openSync(path, "r");
    try {
      return parseTimes(
        scratch.toString("latin1", 0, readSync(file, scratch, 0, scratch.length, 0)),
      );
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
