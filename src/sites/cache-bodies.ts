import { createCache, type Kept } from "./cache.ts";

/** Bytes in memory, and what must be undone when they leave it. */
export type Body = { readonly blob: Blob; readonly onGone: Set<() => void> };

/** Bodies by key, up to a number of bytes. */
export type BodyMemory = {
  /** The body, made by `make` where it is not kept; those who ask meanwhile share it. Undefined where `make` makes none. */
  find: (
    key: string,
    make: () => Promise<Uint8Array<ArrayBuffer> | undefined>,
  ) => Promise<Kept<Body> | undefined>;
  delete: (key: string) => void;
  /** Charges memory that hangs on a body. */
  charge: (body: Kept<Body>, bytes: number) => void;
};

/** What a kept body takes besides its bytes, about. */
const OVERHEAD_BYTES = 600;

/** Makes an empty memory. */
export function createBodyMemory(maxBytes: number): BodyMemory {
  const loading = new Map<string, Promise<Kept<Body> | undefined>>();
  const kept = createCache<Body>(maxBytes, ({ value }) => {
    for (const undo of value.onGone) undo();
  });
  return {
    async find(key, make) {
      const before = kept.find(key);
      if (before) {
        before.used = true;
        return before;
      }
      const running = loading.get(key);
      if (running) return running;
      const own = (async () => {
        try {
          const bytes = await make();
          if (!bytes) return undefined;
          const body = { blob: new Blob([bytes]), onGone: new Set<() => void>() };
          return kept.put(key, body, bytes.byteLength + OVERHEAD_BYTES);
        } finally {
          loading.delete(key);
        }
      })();
      loading.set(key, own);
      return own;
    },
    delete: (key) => kept.delete(key),
    charge: (body, bytes) => kept.grow(body, bytes),
  };
}
