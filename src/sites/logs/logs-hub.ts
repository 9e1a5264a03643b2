import type { Ctx } from "#store/ctx.ts";
import type { Db } from "#store/db.ts";

/** Followers of the log of one site, at most. */
export const MAX_FOLLOWERS = 20;

/** Somebody who follows the log of a site. */
export type Follower = {
  /** Called when lines were written. */
  wake: () => void;
  /** Called when there will be none any more. */
  end: () => void;
};

/** Who follows which log, and what writes them. In memory: a follower is a connection of this very process. */
export type LogHub = {
  /** Adds a follower and answers the way to leave; undefined: there are too many. */
  join: (siteId: number, follower: Follower) => (() => void) | undefined;
  /** Tells the followers of some sites that there are new lines. */
  wake: (siteIds: Iterable<number>) => void;
  /** Ends all followers. Who joins later is ended at once, until `open`. */
  close: () => void;
  /** Lets followers in again. */
  open: () => void;
  /** Has what was noted until now written, so that who reads next sees it. Never throws. */
  flush: () => Promise<void>;
  /** Names what writes; answers the way to take it back. */
  onFlush: (flush: () => Promise<void>) => () => void;
};

const hubs = new WeakMap<Db, LogHub>();

/** The one hub of a data folder. */
export function logHub({ db }: Pick<Ctx, "db">): LogHub {
  const before = hubs.get(db);
  if (before) return before;
  const hub = createHub();
  hubs.set(db, hub);
  return hub;
}

function createHub(): LogHub {
  const bySite = new Map<number, Set<Follower>>();
  let closed = false;
  let writer: (() => Promise<void>) | undefined;
  return {
    join(siteId, follower) {
      const followers = bySite.get(siteId) ?? new Set<Follower>();
      if (followers.size >= MAX_FOLLOWERS) return undefined;
      bySite.set(siteId, followers.add(follower));
      if (closed) follower.end();
      return () => {
        followers.delete(follower);
        if (followers.size === 0 && bySite.get(siteId) === followers) bySite.delete(siteId);
      };
    },
    wake(siteIds) {
      for (const id of siteIds) for (const follower of bySite.get(id) ?? []) follower.wake();
    },
    close() {
      closed = true;
      for (const followers of bySite.values()) for (const { end } of followers) end();
    },
    open() {
      closed = false;
    },
    async flush() {
      await writer?.();
    },
    onFlush(flush) {
      writer = flush;
      return () => {
        if (writer === flush) writer = undefined;
      };
    },
  };
}
