import type { Digest } from "#base/names.ts";
import { MAX_CACHED_BYTES } from "#store/cached-read.ts";
import type { Ctx } from "#store/ctx.ts";

import { type BodyMemory, createBodyMemory, type Held } from "./cache-bodies.ts";
import type { ManifestFile } from "./load-manifest.ts";
import { type Coding, CODINGS } from "./serve-encoding.ts";
import { compressFast } from "./variants-compress.ts";
import {
  MAX_VARIANT_BYTES,
  MIN_VARIANT_BYTES,
  noteNone,
  noVariants,
  variantIn,
  type VariantIndex,
  type VariantSet,
} from "./variants.ts";

/** The bytes of a file as they will be sent. */
export type Sent = {
  coding: Coding | "identity";
  /** Coded at a fast level: the same file will be sent in other bytes later. */
  isFast: boolean;
  sizeBytes: number;
  /** In memory, or a file on disk where it is large. */
  body: Held | Blob;
};

/** Bytes of files, the small ones from memory. */
export type Bodies = {
  /** The file in the first of the codings that there is. `mayCode`: whether its type gets smaller. Rejects where its bytes are gone. */
  read: (
    file: ManifestFile,
    order: readonly (Coding | "identity")[],
    mayCode: boolean,
  ) => Promise<Sent>;
  /** The same at once: undefined where that takes more than a look, or nothing is there. */
  peek: (
    file: ManifestFile,
    order: readonly (Coding | "identity")[],
    mayCode: boolean,
  ) => Sent | undefined;
  /** Forgets the codings of a file, as there are better ones. */
  forget: (digest: Digest) => void;
};

/** Larger files are streamed from disk. */
export const MAX_MEMORY_BYTES = 1024 * 1024;

type About = Pick<Sent, "coding" | "isFast" | "sizeBytes">;

/** Bytes by their digest alone. */
type Source = {
  read: (digest: Digest) => Promise<Uint8Array<ArrayBuffer>>;
  send: (digest: Digest, about: About) => Promise<Sent>;
  peek: (digest: Digest, about: About) => Sent | undefined;
};

function createSource({ find, read, readNow }: BodyParts, memory: BodyMemory): Source {
  async function readAll(digest: Digest): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await read(digest);
    if (!bytes) throw missing(digest);
    return bytes;
  }
  const cached = (digest: Digest, sizeBytes: number): Uint8Array<ArrayBuffer> | undefined =>
    sizeBytes <= MAX_CACHED_BYTES ? readNow(digest, sizeBytes) : undefined;
  return {
    read: readAll,
    async send(digest, about) {
      const { sizeBytes } = about;
      const body =
        sizeBytes > MAX_MEMORY_BYTES
          ? await find(digest)
          : await memory.find(digest, async () => cached(digest, sizeBytes) ?? readAll(digest));
      if (!body) throw missing(digest);
      return { ...about, body };
    },
    peek(digest, about) {
      const { sizeBytes } = about;
      if (sizeBytes > MAX_MEMORY_BYTES) return undefined;
      const body = memory.findNow(digest, () => cached(digest, sizeBytes));
      return body && { ...about, body };
    },
  };
}

function missing(digest: Digest): Error {
  return new Error(`the bytes of ${digest} are not on disk`);
}

/** What bodies are read from. */
export type BodyParts = {
  /** A large file; undefined where it is gone. */
  find: (digest: Digest) => Promise<Blob | undefined>;
  /** The bytes of another. */
  read: (digest: Digest) => Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** The same of small ones at once, where they lie in the system's memory: in less time than it takes to wait for them. */
  readNow: (digest: Digest, sizeBytes: number) => Uint8Array<ArrayBuffer> | undefined;
  /** Which codings of them are made already. */
  index: VariantIndex;
};

/** Makes an empty memory of at most `maxBytes`. */
export function createBodies(ctx: Pick<Ctx, "log">, maxBytes: number, parts: BodyParts): Bodies {
  const { index } = parts;
  const memory = createBodyMemory(maxBytes);
  const source = createSource(parts, memory);
  const sendIdentity = ({ digest, sizeBytes }: ManifestFile): Promise<Sent> =>
    source.send(digest, { coding: "identity", isFast: false, sizeBytes });

  /** Codes a small file right now; undefined where it does not get smaller, which is remembered. */
  async function sendFast(
    { digest, sizeBytes }: ManifestFile,
    coding: Coding,
    set: VariantSet,
  ): Promise<Sent | undefined> {
    if (sizeBytes > MAX_MEMORY_BYTES) return undefined;
    const body = await memory.find(`${digest} ${coding}`, async () =>
      compressFast(await source.read(digest), coding),
    );
    if (body) return { coding, isFast: true, sizeBytes: body.blob.size, body };
    noteNone(set, coding);
    return undefined;
  }
  async function sendVariant(
    file: ManifestFile,
    coding: Coding,
    set: VariantSet,
  ): Promise<Sent | undefined> {
    const variant = variantIn(set, coding);
    if (variant === "none") return undefined;
    if (!variant) return sendFast(file, coding, set);
    const { digest, sizeBytes, isBest } = variant;
    try {
      return await source.send(digest, { coding, isFast: !isBest, sizeBytes });
    } catch (cause) {
      // The file itself is still there: nobody need notice, and the next start or deploy makes another.
      ctx.log.warn("variant missing", { digest: file.digest, coding, cause });
      await index.drop(file.digest, coding);
      return sendFast(file, coding, noVariants());
    }
  }

  return {
    peek: (file, order, mayCode) => peekFile({ source, index }, file, order, mayCode),
    async read(file, order, mayCode) {
      if (!isCoded(file, order, mayCode)) return sendIdentity(file);
      const { digest } = file;
      const set = await index.find(digest);
      for (const coding of order) {
        if (coding === "identity") break;
        const sent = await sendVariant(file, coding, set);
        if (sent) return sent;
      }
      return sendIdentity(file);
    },
    forget(digest) {
      index.forget(digest);
      for (const coding of CODINGS) memory.delete(`${digest} ${coding}`);
    },
  };
}

function isCoded(
  { sizeBytes }: ManifestFile,
  [first]: readonly (Coding | "identity")[],
  mayCode: boolean,
): boolean {
  if (!mayCode || first === undefined || first === "identity") return false;
  return sizeBytes >= MIN_VARIANT_BYTES && sizeBytes <= MAX_VARIANT_BYTES;
}

function peekFile(
  { source, index }: { source: Pick<Source, "peek">; index: Pick<VariantIndex, "peek"> },
  file: ManifestFile,
  order: readonly (Coding | "identity")[],
  mayCode: boolean,
): Sent | undefined {
  const { digest, sizeBytes } = file;
  const plain: About = { coding: "identity", isFast: false, sizeBytes };
  if (!isCoded(file, order, mayCode)) return source.peek(digest, plain);
  const set = index.peek(digest);
  if (!set) return undefined;
  for (const coding of order) {
    if (coding === "identity") break;
    const variant = variantIn(set, coding);
    if (variant === undefined) return undefined;
    if (variant === "none") continue;
    const about = { coding, isFast: !variant.isBest, sizeBytes: variant.sizeBytes };
    return source.peek(variant.digest, about);
  }
  return source.peek(digest, plain);
}
