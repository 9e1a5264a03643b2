import { fail } from "#base/errors.ts";
import { type Digest, parseDigest } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Sender } from "../rights.ts";
import { recordUploads } from "./upload-record.ts";
import { takeUploadRoom } from "./upload-room.ts";

/** Takes contents one after another and keeps them. Memory stays below some batches, whatever comes. */
export type BlobSink = {
  /**
   * Takes one content whole. `check` sees what it is before it is kept, and throws to refuse it. That it is on disk is true
   * once `finish` resolved.
   *
   * @throws payload_too_large past `limitBytes`, quota_exceeded
   */
  add: (
    content: AsyncIterable<Uint8Array>,
    limitBytes: number,
    check?: (blob: Blob) => void,
  ) => Promise<Blob>;
  /** Resolves when all that was taken survives power loss and is recorded as sent by the account. */
  finish: () => Promise<void>;
  /** Forgets what waits, and ends when nothing is written any more. For an upload that was refused. */
  abandon: () => Promise<void>;
};

/** What a content turned out to be. */
export type Blob = { digest: Digest; sizeBytes: number };

/** What is kept in memory until its batch is written; larger contents go to disk as they come. */
const SMALL_BYTES = 256 * 1024;
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_FILES = 1000;

/** Makes a sink for what one account or key sends. One `add` at a time. */
export function createBlobSink(ctx: Ctx, sender: Sender): BlobSink {
  const { userId } = sender;
  let contents: Uint8Array[] = [];
  let bytes = 0;
  let large: Blob[] = [];
  let writing: Promise<void> = Promise.resolve();

  /** One batch is written while the next one is read. */
  async function flush(): Promise<void> {
    const batch = { contents, large };
    [contents, bytes, large] = [[], 0, []];
    await writing;
    writing = write(ctx, sender, batch);
    // Told by whoever waits for it next.
    writing.catch(() => undefined);
  }

  return {
    async add(content, limitBytes, check) {
      const begun = await readSmall(content, limitBytes);
      if ("rest" in begun) {
        const staged = await ctx.blobs.stage(begun.rest, limitBytes);
        try {
          check?.(staged);
          await takeUploadRoom(ctx, userId, staged.sizeBytes);
          await staged.commit();
        } finally {
          await staged.discard();
        }
        const { digest, sizeBytes } = staged;
        large.push({ digest, sizeBytes });
        return { digest, sizeBytes };
      }
      const { whole } = begun;
      const hex = Bun.CryptoHasher.hash("sha256", whole, "hex");
      const blob = { digest: parseDigest(`sha256:${hex}`), sizeBytes: whole.length };
      check?.(blob);
      await takeUploadRoom(ctx, userId, whole.length);
      contents.push(whole);
      bytes += whole.length;
      if (bytes >= BATCH_BYTES || contents.length >= BATCH_FILES) await flush();
      return blob;
    },
    async finish() {
      await flush();
      await writing;
    },
    async abandon() {
      [contents, bytes, large] = [[], 0, []];
      await writing.catch(() => undefined);
    },
  };
}

async function write(
  ctx: Ctx,
  sender: Sender,
  { contents, large }: { contents: Uint8Array[]; large: Blob[] },
): Promise<void> {
  const small = contents.length > 0 ? await ctx.blobs.putMany(contents) : [];
  const all = [
    ...small.map((digest, at) => ({ digest, sizeBytes: contents[at]?.length ?? 0 })),
    ...large,
  ];
  if (all.length > 0) await recordUploads(ctx, sender, all);
}

/** A small content whole, or a large one as a stream that begins anew. */
async function readSmall(
  content: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<{ whole: Uint8Array } | { rest: AsyncIterable<Uint8Array> }> {
  const iterator = content[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await iterator.next();
    if (done === true) return { whole: Buffer.concat(pieces) };
    pieces.push(value);
    sizeBytes += value.length;
    if (sizeBytes > limitBytes) {
      await iterator.return?.();
      throw fail("payload_too_large", { limitBytes });
    }
    if (sizeBytes > SMALL_BYTES) return { rest: again(pieces, iterator) };
  }
}

async function* again(
  pieces: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      yield next.value;
  } finally {
    await iterator.return?.();
  }
}
