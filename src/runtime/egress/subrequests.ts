/** Answers whether one more `fetch` of a request is within its limit, and counts it. */
export type Subrequests = (siteId: number, requestId: string) => boolean;

const SECOND_MS = 1000;
/** Requests whose counts are kept, the latest ones. */
const MAX_KNOWN = 20_000;

/**
 * Counts `fetch`es. The guest does so too, but a program may have taken it over. What belongs to no request (timers, schedules,
 * sockets) gets as many each second.
 */
export function createSubrequests(limit: number, now: () => Date): Subrequests {
  const counts = new Map<string, number>();
  return (siteId, requestId) => {
    const second = Math.floor(now().getTime() / SECOND_MS);
    const key = `${siteId} ${requestId === "" ? second : `r${requestId.slice(0, 64)}`}`;
    const count = (counts.get(key) ?? 0) + 1;
    if (count > limit) return false;
    counts.delete(key);
    counts.set(key, count);
    if (counts.size > MAX_KNOWN) counts.delete(counts.keys().next().value ?? "");
    return true;
  };
}
