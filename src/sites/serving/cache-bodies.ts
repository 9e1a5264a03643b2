import { createCache, type Kept } from "./cache.ts";

/** Bytes in memory; undefined once they left it, so that who remembers the entry does not keep them. */
export type Body = { blob: Blob | undefined };

/** Bytes for one answer, whatever becomes of the entry meanwhile. */
export type Held = { readonly kept: Kept<Body>; readonly blob: Blob };

/** Bodies by key, up to a number of bytes. */
export type BodyMemory = {
  /** The body, made by `make` where it is not kept; those who ask meanwhile share it. Undefined where `make` makes none. */
  find: (
    key: string,
    make: () => Promise<Uint8Array<ArrayBuffer> | undefined>,
  ) => Held | undefined | Promise<Held | undefined>;
  delete: (key: string) => void;
};

/** What a kept body takes besides its bytes, about. */
const OVERHEAD_BYTES = 1000;

/** Makes an empty memory. */
export function createBodyMemory(maxBytes: number): BodyMemory {
  const loading = new Map<string, Promise<Held | undefined>>();
  const kept = createCache<Body>(maxBytes, ({ value }) => {
    value.blob = undefined;
  });
  async function load(
    key: string,
    make: () => Promise<Uint8Array<ArrayBuffer> | undefined>,
  ): Promise<Held | undefined> {
    try {
      const bytes = await make();
      if (!bytes) return undefined;
      const blob = new Blob([bytes]);
      return { kept: kept.put(key, { blob }, bytes.byteLength + OVERHEAD_BYTES), blob };
    } finally {
      loading.delete(key);
    }
  }
  return {
    find(key, make) {
      const before = kept.find(key);
      const blob = before?.value.blob;
      if (before && blob) {
        before.used = true;
        return { kept: before, blob };
      }
      const running = loading.get(key) ?? load(key, make);
      loading.set(key, running);
      return running;
    },
    delete: (key) => kept.delete(key),
  };
}
