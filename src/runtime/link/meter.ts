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

/** Makes a meter; `nowMs` is a clock that never goes back. */
export function createMeter(nowMs: () => number): Meter {
  let windowStart = nowMs();
  /** By site, in this window. */
  const spent = new Map<number, number>();
  function roll(now: number): void {
    if (now - windowStart < WINDOW_MS) return;
    windowStart = now;
    spent.clear();
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
