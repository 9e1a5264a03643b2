/** What the host's time is given out by: so much of each second to one site, less where many want it. */
export type Meter = {
  /** The account of one site; its processes share it. */
  account: (siteId: number) => Account;
};

/** The host's time that one site took. */
export type Account = {
  /** Takes time that was spent for it, in milliseconds. */
  spend: (ms: number) => void;
  /** A request goes to its program, which may ask the host for a little to answer it. */
  asked: () => void;
  /** It did not answer one, or nobody waited for that: what it was given for it is taken back. */
  unanswered: () => void;
  /** Milliseconds until it may have more; 0: now. */
  waitMs: () => number;
};

const SECOND_MS = 1000;
/** What one site may have of a second, and all of them together before their shares shrink. */
const SITE_MS = 150;
const ALL_MS = 300;
/** Nobody's share is less. */
const LEAST_MS = 15;
/** What a request adds to the share: some reads and writes of keys. Who answers many may take more than who only takes. */
const REQUEST_MS = 0.25;
/** What is owed at most, in seconds of its share: a pause of the host's own may have been counted. */
const MAX_DEBT_SECONDS = 2;
/** What is there again before one that ran out goes on. */
const RESUME_MS = 0.5;

/** Milliseconds that a site has left, at that time; never more than its share of a second. */
type Left = { ms: number; at: number; usedAt: number };

/**
 * Makes a meter; `nowMs` is a clock that never goes back. Shares come back all the time, so who takes too much goes on slowly rather
 * than not at all for the rest of a second.
 */
export function createMeter(nowMs: () => number): Meter {
  /** By site: those that took something of late. */
  const sites = new Map<number, Left>();
  let lookedAt = nowMs();

  const share = (): number => Math.max(LEAST_MS, Math.min(SITE_MS, ALL_MS / (sites.size || 1)));

  /** What came back meanwhile is added. */
  function refill(left: Left, now: number): void {
    const full = share();
    // What was owed of a larger share would take the longer to come back, the more have come meanwhile.
    const ms = Math.max(-MAX_DEBT_SECONDS * full, left.ms);
    left.ms = Math.min(full, ms + ((now - left.at) / SECOND_MS) * full);
    left.at = now;
  }

  /** Who has taken nothing for a second, and owes nothing, is no longer one of those who share. */
  function forget(now: number): void {
    if (now - lookedAt < SECOND_MS) return;
    lookedAt = now;
    for (const [siteId, left] of sites) {
      refill(left, now);
      if (left.ms >= 0 && now - left.usedAt >= SECOND_MS) sites.delete(siteId);
    }
  }

  function leftOf(siteId: number, now: number): Left {
    forget(now);
    let left = sites.get(siteId);
    if (left) refill(left, now);
    else {
      sites.set(siteId, (left = { ms: 0, at: now, usedAt: now }));
      left.ms = share();
    }
    return left;
  }

  function take(left: Left, ms: number): void {
    left.ms = Math.max(-MAX_DEBT_SECONDS * share(), left.ms - ms);
  }

  return {
    account: (siteId) => ({
      spend(ms) {
        const now = nowMs();
        const left = leftOf(siteId, now);
        left.usedAt = now;
        take(left, ms);
      },
      asked() {
        const left = sites.get(siteId);
        // Who has all of its share needs no more.
        if (left) left.ms = Math.min(share(), left.ms + REQUEST_MS);
      },
      unanswered() {
        const left = sites.get(siteId);
        if (left) take(left, REQUEST_MS);
      },
      waitMs() {
        const now = nowMs();
        forget(now);
        const left = sites.get(siteId);
        if (!left) return 0;
        refill(left, now);
        return left.ms > 0
          ? 0
          : Math.max(1, Math.ceil(((RESUME_MS - left.ms) / share()) * SECOND_MS));
      },
    }),
  };
}
