/** Values kept while there is room, the least recently used leaving first. */
export type Cache<K, V> = {
  get: (key: K) => V | undefined;
  /** Keeps `value`; one larger than the whole budget is not kept. */
  set: (key: K, value: V, sizeBytes: number) => void;
};

/** Makes a cache that holds at most `budgetBytes`, as its users count them. */
export function createCache<K, V>(budgetBytes: number): Cache<K, V> {
  // A Map keeps the order of insertion, so its first key is the one used longest ago.
  const entries = new Map<K, { value: V; sizeBytes: number }>();
  let usedBytes = 0;
  const drop = (key: K): void => {
    usedBytes -= entries.get(key)?.sizeBytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, sizeBytes) {
      drop(key);
      if (sizeBytes > budgetBytes) return;
      entries.set(key, { value, sizeBytes });
      usedBytes += sizeBytes;
      for (const oldest of entries.keys()) {
        if (usedBytes <= budgetBytes) break;
        drop(oldest);
      }
    },
  };
}
