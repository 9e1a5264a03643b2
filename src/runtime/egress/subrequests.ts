/** Answers whether one more `fetch` of a request is within its limit, and counts it. `requestId`: one that is open, or "". */
export type Subrequests = (siteId: number, requestId: string) => boolean;

const SECOND_MS = 1000;
/** Sites whose counts are kept, and requests of each: the latest ones. */
const MAX_SITES = 10_000;
const MAX_REQUESTS = 1000;

/**
 * Counts `fetch`es. The guest does so too, but a program may have taken it over. What belongs to no request (timers, what goes on
 * after an answer) gets as many each second.
 */
export function createSubrequests(limit: number, now: () => Date): Subrequests {
  // Of each site for itself: what one does drops no count of another.
  const sites = new Map<number, Map<string, number>>();
  return (siteId, requestId) => {
    const counts = sites.get(siteId) ?? new Map<string, number>();
    const second = Math.floor(now().getTime() / SECOND_MS);
    const key = requestId === "" ? `second ${second}` : `request ${requestId}`;
    const count = (counts.get(key) ?? 0) + 1;
    if (count > limit) return false;
    renew(counts, key, count, MAX_REQUESTS);
    renew(sites, siteId, counts, MAX_SITES);
    return true;
  };
}

/** Sets it as the latest; the one that was not set for the longest goes where there are too many. */
function renew<K, V>(map: Map<K, V>, key: K, value: V, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
