import type { Log } from "#base/log.ts";

import { createBackoff } from "./backoff.ts";
import type { Lane } from "./lane.ts";
import { discard, type Launched, type Launcher } from "./launch.ts";

/** Processes that wait for a program. */
export type Pool = {
  /** One that waits, if any. Its place in `room` goes with it. */
  take: () => Launched | undefined;
  /** Starts what is missing, one at a time. */
  fill: () => void;
  /** Ends one to make room. False: there is none. */
  drop: () => boolean;
  /** Whether it was ever filled. */
  isWanted: () => boolean;
  stop: () => Promise<void>;
};

/** What a pool is made of. */
type PoolParts = {
  size: number;
  launcher: Launcher;
  room: Lane;
  log: Log;
  nowMs: () => number;
  random: (bytes: number) => Uint8Array;
  isCalm: () => boolean;
};

/** Makes a pool of `size`. It is empty until it is filled; it fills itself again after one was taken, while `isCalm`. */
export function createPool(parts: PoolParts): Pool {
  const { room, nowMs } = parts;
  const idle = new Set<Launched>();
  let isStopped = false;
  let isWanted = false;
  const backoff = createBackoff(parts.random);
  let timer: Timer | undefined;

  function fill(): void {
    isWanted = true;
    if (isStopped || timer || idle.size >= parts.size || backoff.waitSeconds(nowMs()) > 0) return;
    // Not in the middle of the request that took one.
    timer = setTimeout(start, 1);
    timer.unref();
  }

  function start(): void {
    timer = undefined;
    if (isStopped || idle.size >= parts.size || !parts.isCalm() || !room.tryEnter()) return;
    try {
      const launched = parts.launcher.launchGeneric(false);
      idle.add(launched);
      void launched.process.exited.then(() => lost(launched));
    } catch (cause) {
      room.leave();
      pause(cause);
      return;
    }
    fill();
  }

  /** One ended although nobody took it: that is not a program's doing. */
  function lost(launched: Launched): void {
    if (!idle.delete(launched)) return;
    discard(launched);
    room.leave();
    if (!isStopped) pause(launched.process.stderrTail());
  }

  function pause(cause: unknown): void {
    const seconds = backoff.failed(nowMs());
    parts.log.error("functions.pool", { failures: backoff.failures(), seconds, cause });
  }

  return {
    take() {
      const launched = idle.values().find(({ hasEnded }) => !hasEnded());
      if (!launched) return undefined;
      idle.delete(launched);
      backoff.reset();
      return launched;
    },
    fill,
    drop() {
      const [first] = idle;
      first?.process.kill();
      return first !== undefined;
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await endAll(idle);
    },
    isWanted: () => isWanted,
  };
}

async function endAll(idle: ReadonlySet<Launched>): Promise<void> {
  const ending = [...idle];
  for (const { process } of ending) process.kill();
  await Promise.all(ending.map(({ process }) => process.exited));
}
