/** How often processes of one site ended that nobody had told to: crashes, and limits. All deploys of the site count together. */
export type Crashes = {
  /** One more. Answers after how many seconds a process of the site may be started; 0: at once. */
  note: (nowMs: number) => number;
  /** Seconds until then. */
  waitSeconds: (nowMs: number) => number;
  /** How many of the last ones still count. */
  count: (nowMs: number) => number;
  reset: () => void;
};

/** So many cost nothing: who deploys tries, and a rare request may end its process. */
const FREE = 6;
/** Each is forgotten after this. */
const FORGET_MS = 10_000;
/** A site that somebody can make end its process shall not be gone for long. */
const MAX_SECONDS = 5;

/**
 * Makes the count of one site. A start takes as much of the machine as thousands of answers, so one that ends again and again is
 * started after 1, 2, 4 and then 5 seconds: its neighbours notice nothing of that.
 */
export function createCrashes(): Crashes {
  let level = 0;
  let atMs = Number.NEGATIVE_INFINITY;
  let untilMs = Number.NEGATIVE_INFINITY;
  const moveTo = (nowMs: number): void => {
    level = Math.max(0, level - (nowMs - atMs) / FORGET_MS);
    atMs = nowMs;
  };
  const waitSeconds = (nowMs: number): number => Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
  return {
    note(nowMs) {
      moveTo(nowMs);
      level += 1;
      const over = Math.ceil(level) - FREE;
      if (over > 0) untilMs = nowMs + Math.min(MAX_SECONDS, 2 ** (over - 1)) * 1000;
      return waitSeconds(nowMs);
    },
    waitSeconds,
    count(nowMs) {
      moveTo(nowMs);
      return Math.ceil(level);
    },
    reset() {
      level = 0;
      untilMs = Number.NEGATIVE_INFINITY;
    },
  };
}
