import { availableParallelism } from "node:os";

import type { Instance } from "./instance.ts";
import { isSuspect } from "./site.ts";
import type { Urgency } from "./urgency.ts";

/** Where a process stands among the others, and what decides it. */
export type Standing = {
  /** Cores it uses, smoothed. */
  rate: number;
  /** `begun`: it has not shown yet that it behaves. */
  stand: "begun" | "settled" | "low";
  /** Times that it could not be settled again. */
  raises: number;
};

/** What stands in whose way: whether programs take much of all cores, and from which part of a core on one stays below the others. */
export type Crowd = { isCrowded: boolean; staysFrom: number };

/** Parts of a core: above the first a process is less urgent, until it is below the second. */
const LOWER_RATE = 0.6;
const RAISE_RATE = 0.3;
/** Part of all cores that programs take: from there on those that take much are less urgent sooner. */
const CROWDED_LOAD = 0.5;
const CROWDED_RATE = 0.22;
/** Processor time of a site within a minute that is much then, also for a process that has just started. */
const CROWDED_MS = 4000;
/** Part of the cores of those that stand low from which on they are full. */
const FULL = 0.8;
/** Times that a process may fail to become more urgent again. */
const MAX_RAISES = 20;

/** Part of all cores that programs take. */
export function loadOf(all: Iterable<Standing>): number {
  let sum = 0;
  for (const { rate } of all) sum += rate;
  return sum / availableParallelism();
}

/**
 * How crowded it is. Those that stand low share few cores, so none of them takes much there although each would: while these
 * cores are full, what takes half of the usual share stays.
 */
export function crowdOf(all: Iterable<Standing>, lowCores: number): Crowd {
  let [sum, low, lows] = [0, 0, 0];
  for (const { rate, stand } of all) {
    sum += rate;
    if (stand !== "low") continue;
    low += rate;
    lows += 1;
  }
  return {
    isCrowded: sum > availableParallelism() * CROWDED_LOAD,
    staysFrom: low > lowCores * FULL ? low / lows / 2 : Number.POSITIVE_INFINITY,
  };
}

/** Whether it takes much of what others want, too. */
function isHeavy({ site }: Instance, { rate }: Standing, at: number): boolean {
  return rate > CROWDED_RATE || site.budget.usedMs(at) > CROWDED_MS;
}

/** Its sandbox is closed, and its program comes: where its site takes too much it stands low, else it is waited for. */
export function beginAt(
  urgency: Urgency,
  instance: Instance,
  standing: Standing,
  { isCrowded }: Crowd,
  at: number,
): void {
  if (isSuspect(instance.site, at) || (isCrowded && isHeavy(instance, standing, at))) {
    standing.stand = "low";
    urgency.lower(instance.pid);
  } else urgency.await(instance.pid);
}

/** Moves a process where it belongs. `isBlocking`: it does not answer; `isSilent`: it was asked whether it does. */
export function moveTo(
  urgency: Urgency,
  instance: Instance,
  standing: Standing,
  now: Crowd & { at: number; isBlocking: boolean; isSilent: boolean },
): void {
  const { stand, rate } = standing;
  const { isBlocking, at } = now;
  const takesTooMuch =
    (stand === "low" && rate > now.staysFrom) || (now.isCrowded && isHeavy(instance, standing, at));
  if (stand !== "low" && (isBlocking || takesTooMuch || rate > LOWER_RATE)) {
    urgency.lower(instance.pid);
    standing.stand = "low";
  } else if (stand === "low" && !isBlocking && !takesTooMuch && rate < RAISE_RATE) {
    const isRaised = urgency.settle(instance.pid);
    standing.stand = isRaised ? "settled" : "low";
    standing.raises = isRaised ? 0 : standing.raises + 1;
    if (standing.raises > MAX_RAISES) instance.isSpent = true;
  } else if (stand === "begun" && instance.state === "ready" && !now.isSilent) {
    // It answered since it was given its program, or did nothing.
    if (urgency.settle(instance.pid)) standing.stand = "settled";
  }
}
