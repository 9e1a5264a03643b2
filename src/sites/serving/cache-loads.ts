import { createCache } from "./cache.ts";

/** Loaded values by key, each of a group that is forgotten as one. */
export type Loads<V> = {
  /** The value, loaded by `load` where it is not kept; those who ask meanwhile share one load. */
  find: (key: string, group: string, load: () => Promise<V | undefined>) => Promise<V | undefined>;
  /** The value, where it is kept. */
  peek: (key: string) => V | undefined;
  /** Nothing that was loaded or began to load before this call is found after it. */
  forget: (group: string) => void;
  forgetAll: () => void;
};

/** How much is kept. */
export type LoadLimits<V> = {
  maxWeight: number;
  weightOf: (value: V) => number;
  /** Keys that lead to nothing: how many are remembered, and for how long. */
  maxUnknown: number;
  unknownMs: number;
};

/** The ticket tells one load from another of the same key. */
type Loading<V> = { ticket: { group: string }; promise: Promise<V | undefined> };

/** Makes an empty memory of loads. */
export function createLoads<V>(now: () => Date, limits: LoadLimits<V>): Loads<V> {
  const loading = new Map<string, Loading<V>>();
  const unknown = createUnknown(now, limits);
  /** Keys by group and the other way round, but for the key that is the name of its group, as nearly all are. */
  const keysOf = new Map<string, Set<string>>();
  const groupOf = new Map<string, string>();
  const kept = createCache<V>(limits.maxWeight, ({ key }) => {
    const group = groupOf.get(key);
    if (group !== undefined) leaveGroup(keysOf, group, key);
    groupOf.delete(key);
  });

  function keep(key: string, group: string, value: V | undefined): void {
    if (value === undefined) {
      unknown.add(key, group);
      return;
    }
    kept.put(key, value, limits.weightOf(value));
    if (group === key) return;
    groupOf.set(key, group);
    keysOf.set(group, (keysOf.get(group) ?? new Set()).add(key));
  }

  function start(
    key: string,
    group: string,
    load: () => Promise<V | undefined>,
  ): Promise<V | undefined> {
    const ticket = { group };
    const promise = (async () => {
      try {
        const value = await load();
        // Forgotten meanwhile: it may be of before the change.
        if (loading.get(key)?.ticket === ticket) keep(key, group, value);
        return value;
      } finally {
        if (loading.get(key)?.ticket === ticket) loading.delete(key);
      }
    })();
    loading.set(key, { ticket, promise });
    return promise;
  }

  return {
    peek: (key) => kept.get(key),
    async find(key, group, load) {
      const found = kept.get(key);
      if (found !== undefined) return found;
      if (unknown.has(key)) return undefined;
      return loading.get(key)?.promise ?? start(key, group, load);
    },
    forget(group) {
      kept.delete(group);
      for (const key of keysOf.get(group) ?? []) kept.delete(key);
      for (const [key, { ticket }] of loading) if (ticket.group === group) loading.delete(key);
      unknown.forget(group);
    },
    forgetAll() {
      kept.clear();
      loading.clear();
      unknown.clear();
    },
  };
}

function leaveGroup(keysOf: Map<string, Set<string>>, group: string, key: string): void {
  const keys = keysOf.get(group);
  keys?.delete(key);
  if (keys?.size === 0) keysOf.delete(group);
}

type Unknown = {
  has: (key: string) => boolean;
  add: (key: string, group: string) => void;
  forget: (group: string) => void;
  clear: () => void;
};

/** Keys that lead to nothing, for a while. */
function createUnknown(
  now: () => Date,
  { maxUnknown, unknownMs }: Pick<LoadLimits<never>, "maxUnknown" | "unknownMs">,
): Unknown {
  const ends = new Map<string, { group: string; untilMs: number }>();
  return {
    has: (key) => (ends.get(key)?.untilMs ?? 0) > now().getTime(),
    add(key, group) {
      // Deleted first, so that the oldest is the first.
      ends.delete(key);
      ends.set(key, { group, untilMs: now().getTime() + unknownMs });
      for (const oldest of ends.keys()) {
        if (ends.size <= maxUnknown) break;
        ends.delete(oldest);
      }
    },
    forget(group) {
      for (const [key, end] of ends) if (end.group === group) ends.delete(key);
    },
    clear: () => ends.clear(),
  };
}
