import type { Ctx } from "#store/ctx.ts";

import { hourOf } from "./calendar.ts";
import { openCountries } from "./countries.ts";
import { startDropping } from "./retention.ts";
import { type Known, writeTally } from "./rollup.ts";
import { addVisit, createTally, mergeTally, type Tally } from "./tally.ts";
import type { Recorder } from "./visit.ts";

const FLUSH_MS = 1000;
/** The longest time between two tries to write. */
const MAX_RETRY_MS = 60_000;
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
 * Counts visits from now on. They are added up in memory for a second and then go into one transaction; a crash loses that
 * second. A second counts for the hour it began in. Once an hour it removes what is too old.
 */
export function startTraffic(ctx: Ctx): TrafficRecorder {
  const countries = openCountries(ctx);
  const known: Known = { day: 0, items: new Map() };
  let waiting = new Map<number, Tally>();
  let current: Tally | undefined;
  let timer: Timer | undefined;
  let failures = 0;
  let stopped = false;
  const dropping = startDropping(ctx);
  let running: Promise<void> = Promise.resolve();

  function begin(): Tally {
    const tally = createTally(hourOf(ctx.now()));
    if (stopped) return tally;
    current = tally;
    schedule();
    return tally;
  }

  function schedule(): void {
    timer ??= setTimeout(() => void flush(), Math.min(FLUSH_MS * 2 ** failures, MAX_RETRY_MS));
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
    try {
      const countryOf = await countries;
      await ctx.db.transaction(async (tx) => {
        for (const tally of taken.values()) await writeTally(ctx, tx, tally, { countryOf, known });
      });
      failures = 0;
    } catch (cause) {
      failures += 1;
      for (const tally of waiting.values()) enqueue(taken, tally);
      waiting = taken;
      giveUpOldest(waiting);
      ctx.log.error("traffic not recorded yet", { failures, cause });
      if (!stopped) schedule();
    }
  }

  return {
    note: (visit) => addVisit(current ?? begin(), visit),
    flush,
    async stop() {
      stopped = true;
      await dropping.stop();
      await flush();
    },
  };
}

/** Puts a tally among those that wait, one an hour. */
function enqueue(waiting: Map<number, Tally>, tally: Tally): void {
  const same = waiting.get(tally.hour);
  if (same) mergeTally(same, tally);
  else waiting.set(tally.hour, tally);
}

function giveUpOldest(waiting: Map<number, Tally>): void {
  const hours = [...waiting.keys()].toSorted((a, b) => a - b);
  for (const hour of hours.slice(0, -MAX_WAITING)) waiting.delete(hour);
}
