import { measureFolder } from "./disk.ts";
import type { Instance } from "./instance.ts";
import type { Site } from "./site.ts";
import { overDisk } from "./verdicts.ts";

/** How much is in the folders of sites. */
export type Disk = {
  /** Measures before a start. */
  isFull: (site: Site) => Promise<boolean>;
  /** Measures while a process works, and ends it where there is too much; never two measurements of a site at once. */
  check: (instance: Instance) => void;
};

/** Part of the quota below which a site that was over it may write again. */
const RESUME = 0.9;
/** A measurement that took a millisecond is not repeated within this many. */
const COST_FACTOR = 20;

/** Makes the disk's watch. */
export function createDisk(folderOf: (siteId: number) => string, nowMs: () => number): Disk {
  const running = new Set<number>();
  const notBeforeMs = new Map<number, number>();

  async function measure(site: Site): Promise<number> {
    const limit = site.quotas.diskBytes;
    const bytes = await measureFolder(folderOf(site.id), limit * 2);
    site.isFull = bytes > (site.isFull ? limit * RESUME : limit);
    return bytes;
  }

  async function check(instance: Instance): Promise<void> {
    const { site } = instance;
    if (running.has(site.id) || nowMs() < (notBeforeMs.get(site.id) ?? 0)) return;
    running.add(site.id);
    const startedMs = nowMs();
    try {
      const bytes = await measure(site);
      if (site.isFull && !instance.isReadOnly)
        instance.kill(overDisk(bytes, site.quotas.diskBytes));
      // A new process may write again.
      if (!site.isFull && instance.isReadOnly) instance.isSpent = true;
    } finally {
      running.delete(site.id);
      const doneMs = nowMs();
      notBeforeMs.set(site.id, doneMs + (doneMs - startedMs) * COST_FACTOR);
    }
  }

  return {
    async isFull(site) {
      await measure(site);
      return site.isFull;
    },
    check: (instance) => void check(instance),
  };
}
