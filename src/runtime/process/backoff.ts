/** Waits that grow with each failure: 1, 2, 4 … 60 s, each by chance shortened by up to a half, so that what failed together does not come back together. */
export type Backoff = {
  /** Seconds until it may be tried again; 0: now. */
  waitSeconds: (nowMs: number) => number;
  /** It failed again. Answers `waitSeconds`. */
  failed: (nowMs: number) => number;
  /** How often it failed in a row. */
  failures: () => number;
  reset: () => void;
};

const FIRST_SECONDS = 1;
const MAX_SECONDS = 60;

/** Makes the back-off of one thing. `random` answers random bytes. */
export function createBackoff(random: (bytes: number) => Uint8Array): Backoff {
  let failures = 0;
  let retryAtMs = Number.NEGATIVE_INFINITY;
  const waitSeconds = (nowMs: number): number => Math.max(0, Math.ceil((retryAtMs - nowMs) / 1000));
  return {
    waitSeconds,
    failed(nowMs) {
      const seconds = Math.min(MAX_SECONDS, FIRST_SECONDS * 2 ** failures);
      failures += 1;
      retryAtMs = nowMs + seconds * (500 + ((random(1)[0] ?? 0) / 255) * 500);
      return waitSeconds(nowMs);
    },
    failures: () => failures,
    reset() {
      failures = 0;
      retryAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}
