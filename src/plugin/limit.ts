import { renderSeconds } from "./words.ts";

/** How long something of a plugin may take. */
export type Limit = {
  limitMs: number;
  /** Ends the waiting too: Ctrl-C. */
  signal: AbortSignal;
  /** Watches over what never gives the turn back. */
  watchdog?: Watchdog | undefined;
};

/** Ends the process where a plugin keeps its only thread for itself: no timer of the same thread would ever fire. */
export type Watchdog = {
  /** From now on `limitMs` may pass until the answer is called. */
  watch: (what: string, limitMs: number) => () => void;
};

/**
 * What `work` answers, where it does in time. `what` completes the problem that a watchdog shows.
 *
 * Throws an Error that says it took too long; the reason of the signal; whatever `work` throws
 */
export async function withinLimit<T>(
  what: string,
  { limitMs, signal, watchdog }: Limit,
  work: () => T | Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const stopWatching = watchdog?.watch(what, limitMs);
  const ended = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => ended.reject(new Error(`it did not end within ${renderSeconds(limitMs)}`)),
    limitMs,
  );
  const onAbort = (): void => ended.reject(toError(signal.reason));
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work(), ended.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    stopWatching?.();
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
