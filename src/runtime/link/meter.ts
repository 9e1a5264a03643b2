/** What the host's time is given out by: so much of each second to one site, less where many want it. */
export type Meter = {
  /** The account of one site; its processes share it. */
  account: (siteId: number) => Account;
};

/** The host's time that one site took. */
export type Account = {
  /** Takes time that was spent for it, in milliseconds. */
  spend: (ms: number) => void;
  /** Milliseconds until it may have more; 0: now. */
  waitMs: () => number;
};

const WINDOW_MS = 1000;
/** What one site may have of a window, and all of them together before their shares shrink. */
const SITE_MS = 150;
const ALL_MS = 300;
/** Nobody's share is less. */
const LEAST_MS = 15;
/** What is carried into later windows at most: two windows of waiting, since a pause of the host's own may have been counted. */
const MAX_DEBT_MS = 2 * SITE_MS;

/** Makes a meter; `nowMs` is a clock that never goes back. */
export function createMeter(nowMs: () => number): Meter {
  let windowStart = nowMs();
  /** By site, in this window. */
  const spent = new Map<number, number>();
  function roll(now: number): void {
    if (now - windowStart < WINDOW_MS) return;
    const windows = Math.floor((now - windowStart) / WINDOW_MS);
    windowStart = now;
    for (const [siteId, ms] of spent) {
      const debt = Math.min(ms - SITE_MS, MAX_DEBT_MS) - SITE_MS * (windows - 1);
      if (debt > 0) spent.set(siteId, debt);
      else spent.delete(siteId);
    }
  }
  return {
    account: (siteId) => ({
      spend(ms) {
        roll(nowMs());
        spent.set(siteId, (spent.get(siteId) ?? 0) + ms);
      },
      waitMs() {
        const now = nowMs();
        roll(now);
        const own = spent.get(siteId) ?? 0;
        if (own < LEAST_MS) return 0;
        const share = Math.max(LEAST_MS, Math.min(SITE_MS, ALL_MS / spent.size));
        return own < share ? 0 : Math.max(1, windowStart + WINDOW_MS - now);
      },
    }),
  };
}
