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
  /** Cores it used when it was last looked at. */
  used: number;
  /** When it was last found to take too much. */
  restlessMs: number;
  /** When its program came. */
  begunMs: number;
};

/** What stands in whose way: whether programs take much of all cores, and from which part of a core on one stays below the others. */
export type Crowd = {
  isCrowded: boolean;
  staysFrom: number;
  /** Whether other sites are asked: what has not settled leaves cores to them. */
  hasNeighbours: (site: Instance["site"]) => boolean;
};

/** Parts of a core: above the first a process is less urgent, until it is below the second. */
const LOWER_RATE = 0.6;
const RAISE_RATE = 0.3;
const RESTLESS_RATE = 0.1;
/** Part of all cores that programs take: from there on those that take much are less urgent sooner. */
const CROWDED_LOAD = 0.5;
const CROWDED_RATE = 0.22;
/** Seconds over which a site that takes so much counts as one that does, also with a process that has just started. */
const CROWDED_SECONDS = 10;
/** What takes less than this part of a core leaves those that are full. */
const LEAST_STAYS = 0.05;
/** What stands low comes back when it was calm for so long. */
const CALM_MS = 500;
/** What begins beside others that are asked shows for so long how much it takes. */
const SHOWN_MS = 250;
/** Times that a process may fail to become more urgent again. */
const MAX_RAISES = 20;

/** Part of all cores that programs take. */
export function loadOf(all: Iterable<Standing>): number {
  let sum = 0;
  for (const { rate } of all) sum += rate;
  return sum / availableParallelism();
}

/**
 * How crowded it is. Those that stand low, and those that have not settled, share few cores, so none of them takes much there
 * although each would: while these cores are full, what takes half of the usual share stays.
 */
export function crowdOf(
  all: Iterable<Standing>,
  isFull: boolean,
): Pick<Crowd, "isCrowded" | "staysFrom"> {
  let [sum, low, lows] = [0, 0, 0];
  for (const { rate, used, stand } of all) {
    sum += rate;
    const taken = stand === "begun" ? used : rate;
    if (stand === "settled" || taken < LEAST_STAYS) continue;
    low += taken;
    lows += 1;
  }
  return {
    isCrowded: sum > availableParallelism() * CROWDED_LOAD,
    staysFrom: isFull ? Math.max(LEAST_STAYS, low / (lows || 1) / 2) : Number.POSITIVE_INFINITY,
  };
}

/** Whether it takes much of what others want, too. */
function isHeavy({ site }: Instance, { rate }: Standing, at: number): boolean {
  const usedMs = site.budget.usedMs(at, CROWDED_SECONDS);
  return rate > CROWDED_RATE || usedMs > CROWDED_RATE * CROWDED_SECONDS * 1000;
}

/** Its sandbox is closed, and its program comes: where its site takes too much it stands low, else it is waited for, or begins beside those that are asked. */
export function beginAt(
  urgency: Urgency,
  instance: Instance,
  standing: Standing,
  { isCrowded, hasNeighbours }: Crowd,
  at: number,
): void {
  standing.begunMs = at;
  if (isSuspect(instance.site, at) || (isCrowded && isHeavy(instance, standing, at))) {
    standing.stand = "low";
    standing.restlessMs = at;
    urgency.lower(instance.pid);
  } else if (!hasNeighbours(instance.site)) urgency.await(instance.pid);
}

/** Whether it left most of a core to others when it was last looked at, of its own accord. */
function isCalm({ used }: Standing, { staysFrom }: Crowd): boolean {
  return used < RAISE_RATE && used < staysFrom;
}

/** Whether what has not settled computes: others keep away from it. */
export function isRestless(standings: Iterable<Standing>): boolean {
  for (const { stand, used } of standings)
    if (stand !== "settled" && used >= RESTLESS_RATE) return true;
  return false;
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
    (stand !== "settled" && rate > now.staysFrom) ||
    (now.isCrowded && isHeavy(instance, standing, at));
  const isTooMuch = isBlocking || takesTooMuch;
  if (isTooMuch || !isCalm(standing, now)) standing.restlessMs = at;
  const calmMs = at - standing.restlessMs;
  if (stand !== "low" && (isTooMuch || rate > LOWER_RATE)) {
    urgency.lower(instance.pid);
    standing.stand = "low";
  } else if (stand === "low" && rate < RAISE_RATE && calmMs >= CALM_MS) {
    const isRaised = urgency.settle(instance.pid);
    standing.stand = isRaised ? "settled" : "low";
    standing.raises = isRaised ? 0 : standing.raises + 1;
    if (standing.raises > MAX_RAISES) instance.isSpent = true;
  } else if (
    stand === "begun" &&
    instance.state === "ready" &&
    !now.isSilent &&
    isCalm(standing, now) &&
    rate < RAISE_RATE &&
    (at - standing.begunMs >= SHOWN_MS || !now.hasNeighbours(instance.site))
  ) {
    // It answered since it was given its program, or did nothing.
    if (urgency.settle(instance.pid)) standing.stand = "settled";
  }
}
