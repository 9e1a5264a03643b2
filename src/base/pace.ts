const EVERY_MS = 1000;
/** Writing takes at most a tenth of the time. */
const SHARE = 10;
/** The longest time between two tries. */
const MAX_RETRY_MS = 60_000;

/** Milliseconds until what is noted is written again: a second, and more (up to `maxMs`) after a write that took long; after failures longer each time. */
export function paceOf(
  { tookMs, failures }: { tookMs: number; failures: number },
  maxMs: number,
): number {
  const paceMs = Math.min(Math.max(EVERY_MS, tookMs * SHARE), maxMs);
  return Math.min(paceMs * 2 ** failures, MAX_RETRY_MS);
}
