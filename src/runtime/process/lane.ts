import { refuse } from "./refusals.ts";

/** Lets some in at a time; the others wait in a short line. */
export type Lane = {
  /** Whether there was room; who is in must leave. */
  tryEnter: () => boolean;
  /** Comes back when there is room. Rejects with `busy` where the line is full or `maxMs` went by, with `cancelled` where `signal` fires. */
  enter: (signal: AbortSignal | undefined, maxMs: number) => Promise<void>;
  leave: () => void;
  active: () => number;
  waiting: () => number;
};

type Waiter = { go: () => void };

/** Makes a lane for `atOnce`, with a line of at most `queue`. `onRefused` hears of each that found no room. */
export function createLane(atOnce: number, queue: number, onRefused: () => void): Lane {
  const line = new Set<Waiter>();
  let active = 0;

  function tryEnter(): boolean {
    if (active >= atOnce) return false;
    active += 1;
    return true;
  }

  function wait(signal: AbortSignal | undefined, maxMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", left);
        line.delete(waiter);
      };
      const refused = (): void => {
        settle();
        onRefused();
        reject(refuse("busy", "The program has too many requests"));
      };
      const left = (): void => {
        settle();
        reject(refuse("cancelled", "Nobody waits for the answer"));
      };
      const timer = setTimeout(refused, maxMs);
      const waiter = {
        go: () => {
          settle();
          resolve();
        },
      };
      signal?.addEventListener("abort", left, { once: true });
      line.add(waiter);
    });
  }

  return {
    tryEnter,
    async enter(signal, maxMs) {
      if (tryEnter()) return;
      if (line.size >= queue) {
        onRefused();
        throw refuse("busy", "The program has too many requests");
      }
      await wait(signal, maxMs);
    },
    leave() {
      // The place passes on directly, so nobody can step in between.
      const [next] = line;
      if (next) next.go();
      else active -= 1;
    },
    active: () => active,
    waiting: () => line.size,
  };
}
