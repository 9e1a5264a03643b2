import { type Instance, isAsked } from "./instance.ts";

/** Comes back when more of the answers of a process may be sent, of which so many bytes just were; undefined: at once. */
export type Pace = (instance: Instance, bytes: number) => Promise<void> | undefined;

/** What a site's streams may send in a second where it is narrow, and how much of that at once. */
const BYTES_PER_MS = 16 * 1024;
const BURST_MS = 250;

/**
 * Makes it for the processes of a server. A stream goes as fast as its visitor takes it; where the cores are taken and other sites
 * are asked, too, each site has 16 MB a second: what it costs the server to send more would be their time.
 */
export function createPace(parts: {
  nowMs: () => number;
  isCrowded: () => boolean;
  instances: ReadonlySet<Instance>;
}): Pace {
  const hasNeighbours = (site: Instance["site"], at: number): boolean =>
    isAsked(parts.instances, at, { except: site, times: 1 });
  return (instance, bytes) => {
    const { site } = instance;
    const at = parts.nowMs();
    site.sentUntilMs = Math.max(site.sentUntilMs, at - BURST_MS) + bytes / BYTES_PER_MS;
    const waitMs = site.sentUntilMs - at;
    if (waitMs < 1 || !parts.isCrowded() || !hasNeighbours(site, at)) {
      // What it sent while nobody minded is not held against it.
      site.sentUntilMs = Math.min(site.sentUntilMs, at);
      return undefined;
    }
    return new Promise((resolve) => void setTimeout(resolve, waitMs));
  };
}
