import { promisify } from "node:util";
import { brotliCompress, constants, gzip, zstdCompress } from "node:zlib";

import { spawnWorker } from "#base/worker.ts";

import type { Coding } from "./serve-encoding.ts";

/** A file to code, for the thread. */
export type CompressRequest = {
  id: number;
  path: string;
  coding: Coding;
  level: number;
  /** Bytes that do not get below this share of the file's are not kept. */
  maxShare: number;
};
/** What comes back; undefined: it does not get smaller. */
export type CompressReply =
  { id: number; bytes: Uint8Array<ArrayBuffer> | undefined } | { id: number; error: string };

/** What does not get below 95 % is sent as it is. */
const MAX_SHARE = 0.95;

/** Codes files on a thread of its own, one after another. */
export type CompressWorker = {
  compress: (
    path: string,
    coding: Coding,
    level: number,
  ) => Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Ends the thread until the next file, where nothing waits for it. */
  rest: () => void;
  stop: () => void;
};

type Waiting = {
  resolve: (bytes: Uint8Array<ArrayBuffer> | undefined) => void;
  reject: (error: Error) => void;
};

/** Makes the thread at the first file; one that dies is replaced at the next. It does not keep the process alive. */
export function createCompressWorker(): CompressWorker {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let lastId = 0;

  function failAll(message: string): void {
    worker = undefined;
    for (const waiter of waiting.values()) waiter.reject(new Error(message));
    waiting.clear();
  }
  function start(): Worker {
    const started = spawnWorker("src/sites/serving/variants-worker.ts");
    started.addEventListener("message", ({ data }: MessageEvent<CompressReply>) => {
      const waiter = waiting.get(data.id);
      waiting.delete(data.id);
      if ("error" in data) waiter?.reject(new Error(data.error));
      else waiter?.resolve(data.bytes);
    });
    started.addEventListener("error", ({ message }) =>
      failAll(`the thread of codings died: ${message}`),
    );
    return started;
  }

  return {
    compress: (path, coding, level) =>
      new Promise((resolve, reject) => {
        worker ??= start();
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        const request = { id: lastId, path, coding, level, maxShare: MAX_SHARE };
        worker.postMessage(request satisfies CompressRequest);
      }),
    rest() {
      if (waiting.size > 0) return;
      worker?.terminate();
      worker = undefined;
    },
    stop() {
      worker?.terminate();
      failAll("the server stops");
    },
  };
}

const brotliAsync = promisify(brotliCompress);
const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);

/** The bytes in a coding at a fast level, without holding up this thread; undefined where they do not get smaller. */
export async function compressFast(
  bytes: Uint8Array,
  coding: Coding,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const coded =
    coding === "gzip"
      ? await gzipAsync(bytes, { level: 5 })
      : coding === "zstd"
        ? await zstdAsync(bytes)
        : await brotliAsync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
  // A copy of its own size: a Buffer may be a window of a larger one.
  return coded.byteLength < bytes.byteLength * MAX_SHARE ? new Uint8Array(coded) : undefined;
}
