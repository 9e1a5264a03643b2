/** At most `limit` at once, refilled evenly over `windowSeconds`. */
export type Rate = { limit: number; windowSeconds: number };

/** What one take left. */
export type Taken = {
  ok: boolean;
  limit: number;
  windowSeconds: number;
  /** Whole takes left now. */
  remaining: number;
  /** Seconds until the bucket is full again. */
  resetSeconds: number;
  /** Seconds until the next take succeeds; 0 where it would now. */
  retryAfterSeconds: number;
};

/** Token buckets by key. */
export type RateLimiter = {
  /** Takes one from the bucket of `key`. A refused take costs nothing. */
  take: (key: string, rate: Rate) => Taken;
};

/** Buckets kept at most; the one that was not touched for the longest is forgotten first. */
const MAX_BUCKETS = 50_000;

/** Makes a limiter whose memory is bounded, whatever keys it is given. */
export function createRateLimiter(now: () => Date, maxBuckets = MAX_BUCKETS): RateLimiter {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return {
    take(key, { limit, windowSeconds }) {
      const nowMs = now().getTime();
      const perMs = limit / (windowSeconds * 1000);
      const bucket = buckets.get(key) ?? { tokens: limit, atMs: nowMs };
      const elapsedMs = Math.max(0, nowMs - bucket.atMs);
      const available = Math.min(limit, bucket.tokens + elapsedMs * perMs);
      // Rounding of many small refills must not cost a whole take.
      const ok = available >= 1 - 1e-9;
      const tokens = Math.max(0, ok ? available - 1 : available);
      // Deleted first, so that the order of the map is the order of use.
      buckets.delete(key);
      buckets.set(key, { tokens, atMs: nowMs });
      for (const oldest of buckets.keys()) {
        if (buckets.size <= maxBuckets) break;
        buckets.delete(oldest);
      }
      const secondsTo = (level: number) =>
        Math.max(0, Math.ceil((level - tokens) / perMs / 1000 - 1e-6));
      return {
        ok,
        limit,
        windowSeconds,
        remaining: Math.floor(tokens + 1e-9),
        resetSeconds: secondsTo(limit),
        retryAfterSeconds: ok ? 0 : Math.max(1, secondsTo(1)),
      };
    },
  };
}

/** The `RateLimit-*` headers that tell a client where it stands. */
export function rateHeaders(taken: Taken): Record<string, string> {
  return {
    "ratelimit-limit": String(taken.limit),
    "ratelimit-remaining": String(taken.remaining),
    "ratelimit-reset": String(taken.resetSeconds),
    "ratelimit-policy": `${taken.limit};w=${taken.windowSeconds}`,
    ...(!taken.ok && { "retry-after": String(taken.retryAfterSeconds) }),
  };
}
