import { paceOf } from "#base/pace.ts";
import { giveWay } from "#base/slices.ts";
import type { Ctx } from "#store/ctx.ts";

import { hourOf } from "./calendar.ts";
import { openCountries } from "./countries.ts";
import { type Known, writeTally } from "./rollup.ts";
import { addVisit, createTally, dropSite, joinTallies, partsOf, type Tally } from "./tally.ts";
import type { Recorder } from "./visit.ts";

/** Where ten thousand sites are busy at once, writing is done less often. */
const MAX_FLUSH_MS = 10_000;
/** Sites of one transaction: its end waits for the disk, and that long nobody is answered. */
const WRITE_SITES = 500;
/** Hours that wait while nothing can be written; the oldest are given up first. */
const MAX_WAITING = 24;

/** Takes visits and writes them down. */
export type TrafficRecorder = Recorder & {
  /** Writes what was noted until now. Never throws: what could not be written waits for the next time. */
  flush: () => Promise<void>;
  /** Writes what was noted and notes no more. */
  stop: () => Promise<void>;
};

/**
 * Counts visits from now on. They are added up in memory for a second (up to ten where so many sites are busy that writing
 * would slow down answers) and then go into a transaction for each 500 sites: what a crash loses. They count for the hour in which that
 * second began.
 */
export function startTraffic(ctx: Ctx, countries = openCountries(ctx)): TrafficRecorder {
  const known: Known = { day: 0, path: new Map(), referrer: new Map() };
  let waiting = new Map<number, Tally>();
  let current: Tally | undefined;
  let timer: Timer | undefined;
  let failures = 0;
  let tookMs = 0;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();

  function begin(): Tally {
    const tally = createTally(hourOf(ctx.now()));
    if (stopped) return tally;
    current = tally;
    schedule();
    return tally;
  }

  function schedule(): void {
    timer ??= setTimeout(() => void flush(), paceOf({ tookMs, failures }, MAX_FLUSH_MS));
    timer.unref();
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (current) enqueue(waiting, current);
    current = undefined;
    running = running.then(write);
    return running;
  }

  async function write(): Promise<void> {
    if (waiting.size === 0) return;
    const taken = waiting;
    waiting = new Map();
    const startMs = performance.now();
    try {
      const countryOf = await countries;
      for (const tally of taken.values()) await writeParts(ctx, tally, { countryOf, known });
      failures = 0;
    } catch (cause) {
      failures += 1;
      waiting = joinWaiting(taken, waiting);
      ctx.log.error("traffic not recorded yet", { failures, cause });
      if (!stopped) schedule();
    }
    tookMs = performance.now() - startMs;
  }

  return {
    note: (visit) => addVisit(current ?? begin(), visit),
    flush,
    async stop() {
      stopped = true;
      await flush();
    },
  };
}

/** Writes a tally, and takes out of it what is written. */
async function writeParts(
  ctx: Ctx,
  tally: Tally,
  about: Parameters<typeof writeTally>[3],
): Promise<void> {
  for (const part of partsOf(tally, WRITE_SITES)) {
    await ctx.db.lossy((tx) => writeTally(ctx, tx, part, about));
    for (const id of part.sites.keys()) dropSite(tally, id);
    await giveWay();
  }
}

/** Puts a tally among those that wait, one an hour. */
function enqueue(waiting: Map<number, Tally>, tally: Tally): void {
  const same = waiting.get(tally.hour);
  waiting.set(tally.hour, same ? joinTallies(same, tally) : tally);
}

/** What could not be written with what came since, without the oldest hours where there are too many. */
function joinWaiting(older: Map<number, Tally>, newer: Map<number, Tally>): Map<number, Tally> {
  for (const tally of newer.values()) enqueue(older, tally);
  return new Map([...older].toSorted(([a], [b]) => a - b).slice(-MAX_WAITING));
}
