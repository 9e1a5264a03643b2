import { LandError } from "#base/errors.ts";
import { DeployStarted } from "#sites/model.ts";

import { dropBody } from "./answer.ts";
import { type Blob, fileBody, tarBody } from "./blob-bodies.ts";
import type { Exchange, Outgoing } from "./exchange.ts";
import { withRetry } from "./retry.ts";

export type { Blob };

/** How far the sending is. */
export type SendProgress = {
  doneFiles: number;
  totalFiles: number;
  doneBytes: number;
  totalBytes: number;
};

/** From here on a blob travels alone, so that a broken connection costs no more than it. */
const LARGE_BYTES = 1_048_576;
const BATCH_BYTES = 8_388_608;
const BATCH_BLOBS = 500;
const AT_ONCE = 4;
/** A long upload outlives a server that is started anew, or one that asks to go slowly. */
const PATIENCE = { tries: 8, waitMs: 180_000 };

/**
 * Sends the blobs that a deploy lacks: small ones many together as a tar, large ones each alone, four at a time. What breaks
 * is sent again; of a tar, only what did not arrive.
 *
 * @throws deploy_changed, network, cancelled, and what the server tells
 */
export async function sendBlobs(
  exchange: Exchange,
  path: string,
  blobs: readonly Blob[],
  onProgress: (progress: SendProgress) => void = () => {},
): Promise<void> {
  const tally = createTally(blobs, onProgress);
  const queue = batchesOf(blobs);
  const state = { stopped: false };
  const work = async (): Promise<void> => {
    for (let batch = queue.shift(); batch && !state.stopped; batch = queue.shift())
      await sendBatch({ exchange, path, state }, batch, tally);
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    state.stopped = true;
  }
}

/** Large blobs first: they take longest. */
function batchesOf(blobs: readonly Blob[]): Blob[][] {
  const large = blobs.filter(({ sizeBytes }) => sizeBytes > LARGE_BYTES);
  const batches = large.toSorted((a, b) => b.sizeBytes - a.sizeBytes).map((blob) => [blob]);
  const limit = fairShare(blobs.length - large.length);
  let batch: Blob[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (blob.sizeBytes > LARGE_BYTES) continue;
    if (batch.length === 0 || batch.length >= limit || bytes + blob.sizeBytes > BATCH_BYTES) {
      batch = [];
      bytes = 0;
      batches.push(batch);
    }
    batch.push(blob);
    bytes += blob.sizeBytes;
  }
  return batches;
}

/** Few blobs are spread over all connections too. */
function fairShare(count: number): number {
  return Math.min(BATCH_BLOBS, Math.max(20, Math.ceil(count / AT_ONCE)));
}

type Way = { exchange: Exchange; path: string; state: { stopped: boolean } };

async function sendBatch(
  { exchange, path, state }: Way,
  batch: Blob[],
  tally: Tally,
): Promise<void> {
  const url = `${exchange.registry}/api/v1${path}/blobs`;
  const [only, ...others] = batch;
  if (!only) return;
  const { transport } = exchange;
  const patient = {
    ...transport,
    tries: Math.max(PATIENCE.tries, transport.tries),
    waitMs: Math.max(PATIENCE.waitMs, transport.waitMs),
  };
  const alone = others.length === 0;
  let left = batch;
  await withRetry(patient, url, async (number) => {
    if (number > 1) left = await stillMissing(exchange, path, left);
    tally.arrived(batch, left);
    if (left.length === 0) return { done: true, value: undefined };
    const { body, failure } = alone
      ? fileBody(only, transport, state)
      : await tarBody(left, transport, state);
    const sent = tally.begin();
    const outgoing: Outgoing = {
      method: alone ? "PUT" : "POST",
      path: alone ? `${path}/blobs/sha256/${only.sha256}` : `${path}/blobs`,
      headers: {
        "content-type": alone ? "application/octet-stream" : "application/x-tar",
        "content-length": String(body.sizeBytes),
        // What is missing still is known here: the server need not look for it among all files of the deploy.
        prefer: "return=minimal",
      },
      stream: (watch) => body.open(watch, sent.moved),
    };
    try {
      const tried = await exchange.sendOnce(outgoing, async (response) => {
        await dropBody(response);
      });
      if (failure.error) throw failure.error;
      if (tried.done) tally.arrived(batch, []);
      return tried;
    } finally {
      sent.end();
    }
  });
}

/** Which of the blobs the server lacks now: telling it the same files once more changes nothing and says so. */
async function stillMissing(exchange: Exchange, path: string, blobs: Blob[]): Promise<Blob[]> {
  const files = Object.fromEntries(
    blobs.map((blob) => [blob.path, { sha256: blob.sha256, size: blob.sizeBytes }]),
  );
  try {
    const answer = await exchange.ask(DeployStarted, {
      method: "POST",
      path: `${path}/files`,
      json: { files },
      repeatable: true,
    });
    const missing = new Set(answer.missing);
    return blobs.filter(({ sha256 }) => missing.has(sha256));
  } catch (error) {
    // Still no connection: all of them, and the try that follows tells the trouble.
    if (error instanceof LandError && error.code === "network") return blobs;
    throw error;
  }
}

type Tally = {
  /** Of a batch, all but `left` have arrived. */
  arrived: (batch: readonly Blob[], left: readonly Blob[]) => void;
  begin: () => { moved: (bytes: number) => void; end: () => void };
};

/** Counts over all connections. What was sent in vain is taken back. */
function createTally(blobs: readonly Blob[], onProgress: (progress: SendProgress) => void): Tally {
  const totalBytes = bytesOf(blobs);
  const there = new Map<readonly Blob[], { files: number; bytes: number }>();
  const moving = new Map<symbol, number>();
  const tell = (): void => {
    let doneFiles = 0;
    let doneBytes = 0;
    for (const { files, bytes } of there.values()) {
      doneFiles += files;
      doneBytes += bytes;
    }
    for (const bytes of moving.values()) doneBytes += bytes;
    onProgress({
      doneFiles,
      totalFiles: blobs.length,
      doneBytes: Math.min(doneBytes, totalBytes),
      totalBytes,
    });
  };
  return {
    arrived(batch, left) {
      there.set(batch, {
        files: batch.length - left.length,
        bytes: bytesOf(batch) - bytesOf(left),
      });
    },
    begin() {
      const key = Symbol("request");
      return {
        moved(bytes) {
          moving.set(key, bytes);
          tell();
        },
        end() {
          moving.delete(key);
          tell();
        },
      };
    },
  };
}

/** How many bytes some blobs are together. */
export function bytesOf(blobs: readonly Blob[]): number {
  return blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
