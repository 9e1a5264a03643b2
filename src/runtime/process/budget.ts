const SECONDS = 60;
/** A site that ran out may go on when it is down to this part, not for every millisecond that comes free. */
const RESUME = 0.8;

/** Processor time of a site over the last minute. */
export type CpuBudget = {
  add: (nowMs: number, cpuMs: number) => void;
  /** Milliseconds of processor time in the last so many seconds, of a minute where it is not said. */
  usedMs: (nowMs: number, seconds?: number) => number;
  /** Seconds until the site may run again; 0: it may. */
  waitSeconds: (nowMs: number) => number;
};

/** Makes the budget of a site: `limitMs` of processor time in any minute. */
export function createCpuBudget(limitMs: number): CpuBudget {
  const buckets = new Float64Array(SECONDS);
  let last = -1;
  let used = 0;
  let isOut = false;

  function moveTo(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (last < 0) last = second;
    const steps = Math.min(second - last, SECONDS);
    for (let step = 1; step <= steps; step += 1) {
      const at = (second - steps + step) % SECONDS;
      used -= buckets[at] ?? 0;
      buckets[at] = 0;
    }
    last = Math.max(last, second);
  }

  /** Seconds until no more than `goal` is in the window. */
  function secondsUntil(goal: number): number {
    let left = used;
    for (let step = 1; step <= SECONDS; step += 1) {
      left -= buckets[(last + step) % SECONDS] ?? 0;
      if (left <= goal) return step;
    }
    return SECONDS;
  }

  return {
    add(nowMs, cpuMs) {
      moveTo(nowMs);
      buckets[last % SECONDS] = (buckets[last % SECONDS] ?? 0) + cpuMs;
      used += cpuMs;
      if (used >= limitMs) isOut = true;
    },
    usedMs(nowMs, seconds = SECONDS) {
      moveTo(nowMs);
      let sum = 0;
      for (let ago = 0; ago < Math.min(seconds, SECONDS); ago += 1)
        sum += buckets[(last - ago + SECONDS) % SECONDS] ?? 0;
      return sum;
    },
    waitSeconds(nowMs) {
      if (!isOut) return 0;
      moveTo(nowMs);
      if (used <= limitMs * RESUME) isOut = false;
      return isOut ? secondsUntil(limitMs * RESUME) : 0;
    },
  };
}
