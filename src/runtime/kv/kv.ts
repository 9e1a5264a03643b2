import type { Log } from "#base/log.ts";
import { giveWay } from "#base/slices.ts";
import type { Ctx } from "#store/ctx.ts";

import { createKvFiles, type KvFiles } from "./kv-files.ts";
import type { SiteKv } from "./kv-model.ts";
import { createSiteKv } from "./kv-site.ts";

/** The key-value stores of all sites. */
export type Kv = {
  /** The store of a site; its file is opened at the first use, and closed when nobody used it for a while. */
  of: (siteId: number) => SiteKv;
  /** What the keys of a site take, in bytes. */
  usedBytes: (siteId: number) => number;
  /** Removes all of a site's keys for good; it gets no store any more. */
  remove: (siteId: number) => Promise<void>;
  /** Sites that have a file. */
  listSites: () => Promise<number[]>;
  /** Removes expired keys of open stores, and closes those that nobody uses. Done every minute. */
  sweep: () => Promise<void>;
  stop: () => Promise<void>;
  /** Where troubles go that no program is told of. */
  readonly log: Log;
};

/** What the stores need. `quotaBytesOf` tells how much a site may take; by default what the server allows. */
export type KvParts = Pick<Ctx, "config" | "now" | "log" | "random"> & {
  quotaBytesOf?: (siteId: number) => number;
};

const IDLE_MS = 5 * 60_000;
const SWEEP_MS = 60_000;
/** Keys that one transaction removes, about two milliseconds. */
const SLICE = 250;

/** Opens the stores, in the folder `kv` of the data folder. */
export function createKv(parts: KvParts): Kv {
  const { config, log } = parts;
  const files = createKvFiles(parts);
  const stores = new Map<number, SiteKv>();
  const quotaBytesOf = parts.quotaBytesOf ?? (() => config["functions.kvBytes"]);
  const now = (): number => parts.now().getTime();
  const sweepSite = (siteId: number): Promise<number> => sweepExpired(files, siteId, now);
  const openSite = (siteId: number): SiteKv =>
    createSiteKv({
      file: () => files.use(siteId),
      values: files.values(siteId),
      staging: files.staging,
      now,
      quotaBytes: () => quotaBytesOf(siteId),
      valueBytes: config["functions.kvValueBytes"],
      sweep: () => sweepSite(siteId),
    });
  async function sweep(): Promise<void> {
    for (const { siteId, usedAt } of files.opened()) {
      // One that was closed meanwhile need not be opened for this.
      if (!files.opened().some((one) => one.siteId === siteId && one.usedAt === usedAt)) continue;
      if (now() - usedAt > IDLE_MS) files.close(siteId);
      else await sweepSite(siteId);
      await giveWay();
    }
  }
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= sweep()
      .catch((cause: unknown) => log.error("job failed", { job: "kv", cause }))
      .finally(() => (running = undefined));
  }, SWEEP_MS);
  timer.unref();
  return {
    of(siteId) {
      const store = stores.get(siteId) ?? openSite(siteId);
      stores.set(siteId, store);
      return store;
    },
    usedBytes: (siteId) => (files.exists(siteId) ? files.use(siteId).usedBytes() : 0),
    remove(siteId) {
      stores.delete(siteId);
      return files.remove(siteId);
    },
    listSites: files.list,
    sweep,
    log,
    async stop() {
      clearInterval(timer);
      await running;
      await files.stop();
    },
  };
}

/** Removes the expired keys of a site, in slices between which others have their turn. Answers how many. */
async function sweepExpired(files: KvFiles, siteId: number, now: () => number): Promise<number> {
  let swept = 0;
  for (;;) {
    const file = files.use(siteId);
    const keys = file.expired(now(), SLICE);
    if (keys.length === 0) return swept;
    await file.write(({ remove }) => {
      for (const key of keys) remove(key);
    });
    swept += keys.length;
    await giveWay();
  }
}
