import type { Log } from "#base/log.ts";

/** Work that was begun and that nobody waits for, until somebody does. */
export type Work = {
  /** Begins it; where it fails, the log is told. */
  begin: (what: string, doing: () => Promise<unknown>) => void;
  /** Resolves when nothing is under way any more, what was begun meanwhile included. */
  settled: () => Promise<void>;
};

/** Makes it, with nothing begun. */
export function createWork(log: Log): Work {
  const open = new Set<Promise<unknown>>();
  return {
    begin(what, doing) {
      const done = doing()
        .catch((cause: unknown) => log.error("schedules failed", { what, cause }))
        .finally(() => open.delete(done));
      open.add(done);
    },
    async settled() {
      while (open.size > 0) await Promise.all(open);
    },
  };
}
