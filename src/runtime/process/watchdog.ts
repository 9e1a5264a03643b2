import type { Instance } from "./instance.ts";
import { lookAt, type LookParts, newWatch, TICK_MS, type Watch } from "./looks.ts";
import { createMachineLoad, type MachineLoad } from "./machine.ts";
import { beginAt, type Crowd, crowdOf, isRestless, loadOf } from "./standing.ts";
import type { Urgency } from "./urgency.ts";

/** Looks at processes that work, and ends those that take too much. */
export type Watchdog = {
  /** Looks at it from now on, as long as it works. Cheap where it is looked at already. */
  watch: (instance: Instance) => void;
  /** Looks once, and goes on where it works although nobody asked it to. For those that are idle. */
  look: (instance: Instance) => void;
  /** Its sandbox is closed, its program comes: where its site takes much of what others want, it stands below them from the start. */
  begin: (instance: Instance) => void;
  forget: (instance: Instance) => void;
  /** Whether there is little left of all cores. */
  isCrowded: () => boolean;
  /** Part of all cores that programs took lately, from 0 to 1. */
  load: () => number;
};

/** What is due so soon is looked at with the others. */
const SLACK_MS = 4;
/** Below it a process that nobody asked anything is left alone. */
const IDLE_RATE = 0.02;
/** Part of all cores that anybody takes, from which on there is little left of them. */
const CROWDED_MACHINE = 0.8;
/** Part of the cores of those that have not settled from which on these are full. */
const FULL = 0.9;
/** What those that behave may take of the cores that are kept free; where it is more, they have all cores again for a while. */
const GATHERED = 0.85;
const SCATTER_MS = 3000;
/** What a start costs at least: also a process that ends at once has used that. */
const START_CPU_MS = 30;

/** Makes the watchdog of a server. It looks at nothing, and costs nothing, while no program works. */
export function createWatchdog(parts: LookParts): Watchdog {
  const { nowMs } = parts;
  const machine = createMachineLoad(parts.urgency.cores);
  const shelter = createSheltering(parts.urgency, machine);
  const watches = new Map<Instance, Watch>();
  const busy = new Set<Instance>();
  let timer: Timer | undefined;

  const watchOf = (instance: Instance): Watch => watchIn(watches, instance, nowMs());
  const crowd = (): Crowd => ({
    ...crowdOf(watches.values(), machine.low(nowMs()) > FULL),
    hasNeighbours: parts.isAsked,
  });

  function tick(): void {
    timer = undefined;
    const now = crowd();
    const at = nowMs();
    let nextMs = at + TICK_MS;
    for (const instance of busy) {
      const known = watchOf(instance);
      if (known.dueMs <= at + SLACK_MS) known.dueMs = at + lookAt(parts, instance, known, now);
      nextMs = Math.min(nextMs, known.dueMs);
      if (isDone(instance, known)) busy.delete(instance);
    }
    shelter(at, parts.isAsked() ? settledBeside(busy, watches) : undefined);
    if (busy.size > 0) schedule(nextMs - at);
  }

  function schedule(ms: number): void {
    timer = setTimeout(tick, ms);
    timer.unref();
  }

  function watch(instance: Instance): void {
    busy.add(instance);
    if (!timer) schedule(TICK_MS);
  }

  return {
    watch,
    look(instance) {
      if (busy.has(instance)) return;
      const known = watchOf(instance);
      lookAt(parts, instance, known, crowd());
      if (known.rate >= IDLE_RATE || known.ping) watch(instance);
    },
    forget(instance) {
      const known = watches.get(instance);
      instance.site.budget.add(nowMs(), Math.max(0, START_CPU_MS - (known?.cpuMs ?? 0)));
      known?.reader.close();
      parts.urgency.forget(instance.pid);
      watches.delete(instance);
      busy.delete(instance);
    },
    begin(instance) {
      beginAt(parts.urgency, instance, watchOf(instance), crowd(), nowMs());
    },
    isCrowded: () =>
      crowd().isCrowded ||
      machine.all(nowMs()) > CROWDED_MACHINE ||
      // What computes there may take the others as soon as it has settled, or wait for what does not leave.
      machine.low(nowMs()) > FULL,
    load: () => loadOf(watches.values()),
  };
}

function watchIn(watches: Map<Instance, Watch>, instance: Instance, nowMs: number): Watch {
  let known = watches.get(instance);
  if (!known) watches.set(instance, (known = newWatch(instance.pid, nowMs)));
  return known;
}

/**
 * The server and those that behave keep away from what holds the other cores, as long as they have room where they are. Undefined:
 * nothing holds these now; who keeps away does so for another moment.
 */
export function createSheltering(
  urgency: Pick<Urgency, "shelter" | "gather">,
  machine: Pick<MachineLoad, "free">,
): (at: number, settled: readonly number[] | undefined) => void {
  let scatteredMs = Number.NEGATIVE_INFINITY;
  return (at, settled) => {
    if (machine.free(at) > GATHERED) scatteredMs = at + SCATTER_MS;
    if (settled) urgency.shelter();
    if (at < scatteredMs) urgency.gather([]);
    else if (settled) urgency.gather(settled);
  };
}

/** Processes of programs that behave, of these; undefined where no other computes. */
function settledBeside(
  instances: Iterable<Instance>,
  watches: ReadonlyMap<Instance, Watch>,
): number[] | undefined {
  if (!isRestless(watches.values())) return undefined;
  const pids: number[] = [];
  for (const instance of instances)
    if (watches.get(instance)?.stand === "settled") pids.push(instance.pid);
  return pids;
}

/** Whether there is nothing to look at for now. */
function isDone({ state, open, waiting }: Instance, { ping, rate }: Watch): boolean {
  if (state === "ended") return true;
  const isCalm = open === 0 && waiting === 0 && state !== "starting";
  return isCalm && !ping && rate < IDLE_RATE;
}
