/**
 * `src/sites/logs` is the log of each site and its traffic as members read it.
 * Serving writes into it, routes and pages read from it. It must never hold an address of a visitor.
 */
import type { Events } from "#base/events.ts";
import { paceOf } from "#base/pace.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Visit } from "#traffic/visit.ts";

import { createLogBuffer, type NewLine } from "./logs-buffer.ts";
import { logHub } from "./logs-hub.ts";
import { type RingState, writeLines } from "./logs-write.ts";

/** Where thousands of sites are busy at once, writing is done less often: who follows a log waits that long. */
const MAX_FLUSH_MS = 5000;

const NOTHING = Promise.resolve();

/** Takes lines of sites' logs and writes them down. */
export type SiteLogs = {
  /** Takes a line. Never throws, never waits. */
  note: (line: NewLine) => void;
  /** Takes an answered request. The address and the user agent of the visitor are not logged. */
  noteRequest: (visit: Visit, requestId?: string) => void;
  /** Writes what was noted until now and tells followers. Never throws: what could not be written waits for the next time. */
  flush: () => Promise<void>;
  /** Ends all who follow a log: the first thing to do where a server stops, since they would never end by themselves. */
  endFollowers: () => void;
  /** Ends followers, writes what was noted and notes no more. */
  stop: () => Promise<void>;
};

/**
 * Logs from now on what happens to sites, also what `ctx.hooks` tells. Lines wait in memory for a second, or up to five where so many
 * sites are busy that writing would slow down answers, or until somebody reads a log; a crash loses them.
 */
export function startSiteLogs(ctx: Ctx): SiteLogs {
  const hub = logHub(ctx);
  const buffer = createLogBuffer(ctx.now);
  const ring: RingState = new Map();
  let timer: Timer | undefined;
  let failures = 0;
  let tookMs = 0;
  let stopped = false;
  const writeNext = oneAtATime(write);

  function schedule(): void {
    timer = setTimeout(() => void flush(), paceOf({ tookMs, failures }, MAX_FLUSH_MS));
    timer.unref();
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    return writeNext();
  }

  async function write(): Promise<void> {
    const lines = buffer.take();
    if (lines.length === 0) return;
    const startMs = performance.now();
    try {
      hub.wake(await writeLines(ctx, ring, lines));
      failures = 0;
    } catch (cause) {
      failures += 1;
      buffer.putBack(lines);
      ctx.log.error("site logs not written yet", { failures, cause });
      if (!stopped && timer === undefined) schedule();
    }
    tookMs = performance.now() - startMs;
  }

  function note(line: NewLine): void {
    if (stopped) return;
    buffer.add(line);
    if (timer === undefined) schedule();
  }

  hub.open();
  // Where writing fails it is tried when its time has come, however often somebody reads.
  const leave = hub.onFlush(() => (failures === 0 ? flush() : NOTHING));
  const unsubscribe = listen(ctx, note);
  return {
    note,
    noteRequest(visit, requestId) {
      if (stopped) return;
      buffer.addRequest(visit, requestId);
      if (timer === undefined) schedule();
    },
    flush,
    endFollowers: hub.close,
    async stop() {
      unsubscribe();
      hub.close();
      stopped = true;
      await flush();
      leave();
    },
  };
}

/** The same work, one after another; all who ask while it is done wait for the same next time. */
function oneAtATime(doing: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running.then(() => {
      next = undefined;
      return doing();
    });
    running = next;
    return next;
  };
}

/** Notes what happens to sites. Returns the way to stop. */
function listen({ hooks }: Ctx, note: (line: NewLine) => void): () => void {
  const tell = (kind: "deploy" | "domain", site: string, message: string, data: object): void =>
    note({ site, level: "info", kind, message, data: { ...data } });
  const released = ({ site, deploy, user, rollback }: Events["deploy.released"]): void =>
    tell("deploy", site, `${user} ${rollback ? "went back to" : "released"} ${deploy}`, {
      deploy,
      user,
      rollback,
    });
  const ends = [
    hooks.on("deploy.finished", ({ site, deploy, user, live }) =>
      tell("deploy", site, `${user} deployed ${deploy}`, { deploy, user, live }),
    ),
    hooks.on("deploy.released", released),
    hooks.on("domain.verified", ({ site, host }) =>
      tell("domain", site, `${host} is verified and leads here`, { host }),
    ),
    hooks.on("domain.removed", ({ site, host }) =>
      tell("domain", site, `${host} leads here no more`, { host }),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
}
