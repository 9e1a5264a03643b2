/** One kept value. Whoever holds it sets `used` when it served, so that nothing has to be moved then. */
export type Kept<V> = {
  readonly key: string;
  readonly value: V;
  readonly weight: number;
  used: boolean;
  /** Whether it was put out of the cache. */
  gone: boolean;
};

/** Values by key up to a weight; what was not used since the hand came by goes first (the clock algorithm). */
export type Cache<V> = {
  /** Marks as used. */
  get: (key: string) => V | undefined;
  find: (key: string) => Kept<V> | undefined;
  /** Keeps a value, in place of one of that key. The newest stays, whatever its weight. */
  put: (key: string, value: V, weight: number) => Kept<V>;
  delete: (key: string) => void;
  clear: () => void;
  readonly weight: number;
  readonly size: number;
};

/** Makes a cache. `onGone` is told of each value that leaves, whoever put it out. */
export function createCache<V>(
  maxWeight: number,
  onGone: (kept: Kept<V>) => void = () => undefined,
): Cache<V> {
  const entries = new Map<string, Kept<V>>();
  let weight = 0;

  function drop(kept: Kept<V>): void {
    entries.delete(kept.key);
    weight -= kept.weight;
    kept.gone = true;
    onGone(kept);
  }

  function makeRoom(newest: Kept<V>): void {
    for (const kept of entries.values()) {
      if (weight <= maxWeight) return;
      if (kept === newest) continue;
      if (!kept.used) drop(kept);
      else {
        kept.used = false;
        // To the end of the round: iteration comes by again, and finds it unused.
        entries.delete(kept.key);
        entries.set(kept.key, kept);
      }
    }
  }

  return {
    get(key) {
      const kept = entries.get(key);
      if (kept) kept.used = true;
      return kept?.value;
    },
    find: (key) => entries.get(key),
    put(key, value, own) {
      const old = entries.get(key);
      if (old) drop(old);
      const kept = { key, value, weight: own, used: false, gone: false };
      entries.set(key, kept);
      weight += own;
      makeRoom(kept);
      return kept;
    },
    delete(key) {
      const kept = entries.get(key);
      if (kept) drop(kept);
    },
    clear() {
      for (const kept of entries.values()) drop(kept);
    },
    get weight() {
      return weight;
    },
    get size() {
      return entries.size;
    },
  };
}
