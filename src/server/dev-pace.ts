/** When to look at a folder that changes: soon after it became quiet, and not much later where it never does. */
export type Pace = {
  /** A change was noticed. */
  notice: () => void;
  /** Whether one was noticed since the last `clear`. */
  isNoticed: () => boolean;
  /** Looks after `ms` at the latest. */
  later: (ms: number) => void;
  /** A look begins now: what was noticed is looked at. */
  clear: () => void;
  stop: () => void;
};

/** How long a folder must be quiet. */
const QUIET_MS = 30;
/** How long it may be noisy. */
const NOISY_MS = 500;

/** Makes it. `look` must call `clear`. */
export function createPace(look: () => void): Pace {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sinceMs: number | undefined;
  let stopped = false;
  const start = (ms: number): void => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(look, ms);
  };
  return {
    notice() {
      const nowMs = performance.now();
      sinceMs ??= nowMs;
      start(Math.max(0, Math.min(QUIET_MS, sinceMs + NOISY_MS - nowMs)));
    },
    isNoticed: () => sinceMs !== undefined,
    later(ms) {
      if (sinceMs === undefined) start(ms);
    },
    clear() {
      clearTimeout(timer);
      sinceMs = undefined;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
