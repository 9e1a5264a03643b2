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
  /** The body at once, where it is kept or `make` makes it. */
  findNow: (key: string, make: () => Uint8Array<ArrayBuffer> | undefined) => Held | undefined;
  delete: (key: string) => void;
};

/** What a kept body takes besides its bytes, about, as measured over twenty thousand small ones. */
const OVERHEAD_BYTES = 2000;

/** Makes an empty memory. */
export function createBodyMemory(maxBytes: number): BodyMemory {
  const loading = new Map<string, Promise<Held | undefined>>();
  const kept = createCache<Body>(maxBytes, ({ value }) => {
    value.blob = undefined;
  });
  function peek(key: string): Held | undefined {
    const before = kept.find(key);
    const blob = before?.value.blob;
    if (!before || !blob) return undefined;
    before.used = true;
    return { kept: before, blob };
  }
  function keep(key: string, bytes: Uint8Array<ArrayBuffer>): Held {
    const blob = new Blob([bytes]);
    return { kept: kept.put(key, { blob }, bytes.byteLength + OVERHEAD_BYTES), blob };
  }
  async function load(
    key: string,
    make: () => Promise<Uint8Array<ArrayBuffer> | undefined>,
  ): Promise<Held | undefined> {
    try {
      const bytes = await make();
      return bytes && keep(key, bytes);
    } finally {
      loading.delete(key);
    }
  }
  return {
    find(key, make) {
      const before = peek(key);
      if (before) return before;
      const running = loading.get(key) ?? load(key, make);
      loading.set(key, running);
      return running;
    },
    findNow(key, make) {
      const before = peek(key);
      if (before || loading.has(key)) return before;
      const bytes = make();
      return bytes && keep(key, bytes);
    },
    delete: (key) => kept.delete(key),
  };
}
