import type { Link } from "#bridge/model.ts";

import { isObject } from "./natives.ts";
import { currentRun, type Run } from "./run.ts";

/** What programs left to be finished after they answered. */
export type Waiting = {
  /** Keeps the process until the promise settles. A rejection is reported. */
  add: (promise: unknown) => void;
  count: () => number;
};

type Report = (error: unknown, run: Run | undefined) => void;

/** Counts promises and tells the host. */
export function createWaiting(link: () => Link, report: Report): Waiting {
  let count = 0;
  const change = (by: number): void => {
    count += by;
    link().control({ kind: "waiting", count });
  };
  return {
    add(promise) {
      if (!isObject(promise)) return;
      const run = currentRun();
      change(1);
      void settle(promise, (error) => report(error, run)).finally(() => change(-1));
    },
    count: () => count,
  };
}

async function settle(promise: unknown, report: (error: unknown) => void): Promise<void> {
  try {
    await promise;
  } catch (error) {
    report(error);
  }
}
