import type { Link } from "#bridge/model.ts";

import { isObject } from "./natives.ts";

/** What programs left to be finished after they answered. */
export type Waiting = {
  /** Keeps the process until the promise settles. A rejection is reported. */
  add: (promise: unknown) => void;
  count: () => number;
};

/** Counts promises and tells the host. */
export function createWaiting(link: () => Link, report: (error: unknown) => void): Waiting {
  let count = 0;
  const change = (by: number): void => {
    count += by;
    link().control({ kind: "waiting", count });
  };
  return {
    add(promise) {
      if (!isObject(promise)) return;
      change(1);
      settle(promise, report).finally(() => change(-1));
    },
    count: () => count,
  };
}

async function settle(promise: object, report: (error: unknown) => void): Promise<void> {
  try {
    await promise;
  } catch (error) {
    report(error);
  }
}
