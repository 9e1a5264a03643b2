import { spawnWorker } from "#base/worker.ts";

import type { Watchdog } from "./limit.ts";
import { renderSeconds } from "./words.ts";

/** What the Worker is told. */
export type WatchdogMessage =
  | { kind: "watch"; id: number; limitMs: number; descriptor: 1 | 2; text: string }
  | { kind: "done"; id: number };

/** Beyond the limit that timers of the main thread have: where it still turns, it answers for itself. */
const BEYOND_MS = 1000;

/**
 * A thread that watches this one. `render` words what it writes before it ends the process with 1, and to which descriptor:
 * the main thread will not.
 */
export function createWatchdog(
  render: (problem: string) => { descriptor: 1 | 2; text: string },
): Watchdog {
  let worker: Worker | undefined;
  let last = 0;
  const tell = (message: WatchdogMessage): void => {
    worker ??= spawnWorker("src/plugin/watchdog-worker.ts");
    worker.postMessage(message);
  };
  return {
    watch(what, limitMs) {
      last += 1;
      const id = last;
      const shown = render(`${what} did not end within ${renderSeconds(limitMs)}`);
      tell({ kind: "watch", id, limitMs: limitMs + BEYOND_MS, ...shown });
      return () => tell({ kind: "done", id });
    },
  };
}
