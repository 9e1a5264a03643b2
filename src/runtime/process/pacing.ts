import { giveWay } from "#base/slices.ts";

import type { Instance } from "./instance.ts";

/** Comes back when more of the answers of a process may be sent, of which so many bytes just were. */
export type Pace = (instance: Instance, bytes: number) => Promise<void>;

/** What a site's streams may send in a second where it is narrow, and how much of that at once. */
const BYTES_PER_MS = 128 * 1024;
const BURST_MS = 250;
/** Others are there if they had something to do within this time. */
const RECENT_MS = 1000;

/**
 * Makes it for the processes of a server. A stream goes as fast as its visitor takes it; where the cores are taken and other sites
 * are asked, too, each site has 128 MB a second: what it costs the server to send more would be their time.
 */
export function createPace(parts: {
  nowMs: () => number;
  isCrowded: () => boolean;
  instances: ReadonlySet<Instance>;
}): Pace {
  const hasNeighbours = (site: Instance["site"], at: number): boolean => {
    for (const other of parts.instances)
      if (other.site !== site && other.requests > 0 && at - other.lastWorkMs < RECENT_MS)
        return true;
    return false;
  };
  return (instance, bytes) => {
    const { site } = instance;
    const at = parts.nowMs();
    site.sentUntilMs = Math.max(site.sentUntilMs, at - BURST_MS) + bytes / BYTES_PER_MS;
    const waitMs = site.sentUntilMs - at;
    if (waitMs < 1 || !parts.isCrowded() || !hasNeighbours(site, at)) {
      // What it sent while nobody minded is not held against it.
      site.sentUntilMs = Math.min(site.sentUntilMs, at);
      return giveWay();
    }
    return new Promise((resolve) => void setTimeout(resolve, waitMs));
  };
}
