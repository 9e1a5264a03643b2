import type { BunFile } from "bun";

import type { Digest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import { createCache, type Kept } from "./cache.ts";
import type { ManifestFile } from "./load-manifest.ts";
import type { Coding } from "./serve-encoding.ts";
import { compressFast } from "./variants-compress.ts";
import {
  createVariantIndex,
  MAX_VARIANT_BYTES,
  MIN_VARIANT_BYTES,
  type VariantSet,
} from "./variants.ts";

/** Bytes in memory, and what must be undone when they leave it. */
export type Body = { readonly blob: Blob; readonly onGone: Set<() => void> };

/** The bytes of a file as they will be sent. */
export type Sent = {
  coding: Coding | "identity";
  /** Coded at a fast level: the same file will be sent in other bytes later. */
  isFast: boolean;
  sizeBytes: number;
  /** In memory, or a file on disk where it is large. */
  body: Kept<Body> | BunFile;
};

/** Bytes of files, the small ones from memory. */
export type Bodies = {
  /** The file in the first of the codings that there is. `mayCode`: whether its type gets smaller. Rejects where its bytes are gone. */
  read: (
    file: ManifestFile,
    order: readonly (Coding | "identity")[],
    mayCode: boolean,
  ) => Promise<Sent>;
  /** Forgets the codings of a file, as there are better ones. */
  forget: (digest: Digest) => void;
  /** Charges memory that hangs on a body. */
  charge: (body: Kept<Body>, bytes: number) => void;
};

/** Larger files are streamed from disk. */
export const MAX_MEMORY_BYTES = 1024 * 1024;
/** What a kept body takes besides its bytes, about. */
const OVERHEAD_BYTES = 600;

type Chosen = { coding: Coding | "identity"; source: Digest; sizeBytes: number; isFast: boolean };
type Loading = Promise<Kept<Body> | undefined>;

/** Makes an empty memory of `sites.cacheBytes`. */
export function createBodies(ctx: Ctx): Bodies {
  const index = createVariantIndex(ctx);
  const loading = new Map<string, Loading>();
  const kept = createCache<Body>(ctx.config["sites.cacheBytes"], ({ value }) => {
    for (const undo of value.onGone) undo();
  });

  async function open(digest: Digest): Promise<BunFile> {
    const file = await ctx.blobs.find(digest);
    if (!file) throw new Error(`the bytes of ${digest} are not on disk`);
    return file;
  }
  /** Shares one load among those who ask meanwhile. */
  function inMemory(key: string, make: () => Promise<Blob | undefined>): Loading {
    const before = kept.find(key);
    if (before) {
      before.used = true;
      return Promise.resolve(before);
    }
    const running = loading.get(key);
    if (running) return running;
    const own = (async () => {
      try {
        const blob = await make();
        return blob && kept.put(key, { blob, onGone: new Set() }, blob.size + OVERHEAD_BYTES);
      } finally {
        loading.delete(key);
      }
    })();
    loading.set(key, own);
    return own;
  }
  const readBlob = (digest: Digest): Loading =>
    inMemory(digest, async () => new Blob([await (await open(digest)).bytes()]));

  async function sendIdentity({ digest, sizeBytes }: ManifestFile): Promise<Sent> {
    const body = sizeBytes <= MAX_MEMORY_BYTES ? await readBlob(digest) : await open(digest);
    if (!body) throw new Error(`the bytes of ${digest} are not on disk`);
    return { coding: "identity", isFast: false, sizeBytes, body };
  }
  /** Codes a small file right now; undefined where it does not get smaller, which is remembered. */
  async function sendFast(
    { digest }: ManifestFile,
    coding: Coding,
    set: VariantSet,
  ): Promise<Sent | undefined> {
    const body = await inMemory(`${digest} ${coding}`, async () => {
      const plain = await (await open(digest)).bytes();
      const coded = await compressFast(plain, coding);
      return coded && new Blob([coded]);
    });
    if (body) return { coding, isFast: true, sizeBytes: body.value.blob.size, body };
    set[coding] = "none";
    return undefined;
  }
  async function sendVariant(variant: Digest, about: Omit<Chosen, "source">): Promise<Sent> {
    const { coding, isFast, sizeBytes } = about;
    const body = sizeBytes <= MAX_MEMORY_BYTES ? await readBlob(variant) : await open(variant);
    if (!body) throw new Error(`the bytes of ${variant} are not on disk`);
    return { coding, isFast, sizeBytes, body };
  }

  return {
    async read(file, order, mayCode) {
      const { digest, sizeBytes } = file;
      const coded = mayCode && sizeBytes >= MIN_VARIANT_BYTES && sizeBytes <= MAX_VARIANT_BYTES;
      const first = coded ? order[0] : "identity";
      if (first === undefined || first === "identity") return sendIdentity(file);
      const set = await index.find(digest);
      for (const coding of order) {
        if (coding === "identity") break;
        const variant = set[coding];
        if (variant === "none") continue;
        if (variant) {
          const sent = await sendVariant(variant.digest, {
            coding,
            isFast: !variant.isBest,
            sizeBytes: variant.sizeBytes,
          }).catch((cause: unknown) => {
            // The file itself is still there: nobody need notice.
            ctx.log.warn("variant missing", { digest, coding, cause });
            set[coding] = "none";
            return undefined;
          });
          if (sent) return sent;
        } else if (sizeBytes <= MAX_MEMORY_BYTES) {
          const sent = await sendFast(file, coding, set);
          if (sent) return sent;
        }
      }
      return sendIdentity(file);
    },
    forget(digest) {
      index.forget(digest);
      for (const coding of ["br", "zstd", "gzip"]) kept.delete(`${digest} ${coding}`);
    },
    charge: (body, bytes) => kept.grow(body, bytes),
  };
}
