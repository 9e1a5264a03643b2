/** Runs work of one key in turns, first come first served. */
export type Turns = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/**
 * Makes turns in which at most `atOnce` pieces of work of each key run at the same time; keys do not wait for each other.
 * Where `queue` is given, work that finds `max` of its key waiting is not done: what `refuse` makes is thrown.
 */
export function createTurns(atOnce: number, queue?: { max: number; refuse: () => Error }): Turns {
  const lines = new Map<string, { running: number; waiting: (() => void)[] }>();
  return async (key, work) => {
    const line = lines.get(key) ?? { running: 0, waiting: [] };
    lines.set(key, line);
    if (line.running < atOnce) line.running += 1;
    else if (queue && line.waiting.length >= queue.max) throw queue.refuse();
    else await new Promise<void>((resolve) => line.waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The turn passes on directly, so nobody can step in between.
      const next = line.waiting.shift();
      if (next) next();
      else line.running -= 1;
      if (line.running === 0) lines.delete(key);
    }
  };
}
