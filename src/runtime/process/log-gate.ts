/** Lets some lines per second through and counts the rest. */
export type LogGate = {
  /** Whether this line may be kept. */
  admit: (nowMs: number) => boolean;
  /** How many were not kept in a second that is over, once. */
  takeDropped: (nowMs: number) => number;
};

/** Makes the gate of a site. */
export function createLogGate(linesPerSecond: number): LogGate {
  let startedMs = Number.NEGATIVE_INFINITY;
  let lines = 0;
  let dropped = 0;

  function moveTo(nowMs: number): void {
    if (nowMs - startedMs < 1000) return;
    dropped += Math.max(0, lines - linesPerSecond);
    lines = 0;
    startedMs = nowMs;
  }

  return {
    admit(nowMs) {
      moveTo(nowMs);
      lines += 1;
      return lines <= linesPerSecond;
    },
    takeDropped(nowMs) {
      moveTo(nowMs);
      const taken = dropped;
      dropped = 0;
      return taken;
    },
  };
}
