import { spawnWorker } from "#base/worker.ts";

import type { StoredPackage } from "./stored.ts";
import type { Expected } from "./unpack.ts";

/** What another thread needs to know of a store; `aheadMs`: how far its clock is ahead of that of the system. */
export type StoreBesides = { landHome: string; bootId: string; aheadMs: number };

/** A package for the thread. `bytes` are its alone. */
export type ThreadRequest = StoreBesides & { id: number; bytes: Uint8Array; expected: Expected };
/** Undefined where it could not be taken in. */
export type ThreadReply = { id: number; stored: StoredPackage | undefined };

/** A second thread that unpacks archives into the store. */
export type StoreThread = {
  /** Whether it has little enough to do that one more is done sooner by it. */
  isFree: () => boolean;
  /** Takes a package in, as `Store.add` does; undefined where that did not go well, so that it is to be done here. */
  add: (bytes: Uint8Array, expected: Expected) => Promise<StoredPackage | undefined>;
  close: () => void;
};

/** Archives that wait for the thread hold no more memory, in bytes. */
const WAITING_BYTES = 2_000_000;

/** Starts one. */
export function startStoreThread(besides: StoreBesides): StoreThread {
  const worker = spawnWorker("src/install/store-thread-worker.ts");
  const waiting = new Map<
    number,
    { sizeBytes: number; resolve: (reply?: StoredPackage) => void }
  >();
  let next = 0;
  let waitingBytes = 0;
  let broken = false;
  const settle = (id: number, stored: StoredPackage | undefined): void => {
    const found = waiting.get(id);
    waiting.delete(id);
    waitingBytes -= found?.sizeBytes ?? 0;
    found?.resolve(stored);
    if (waiting.size === 0) worker.unref();
  };
  const giveUp = (): void => {
    broken = true;
    for (const id of waiting.keys()) settle(id, undefined);
  };
  worker.addEventListener("message", ({ data }: MessageEvent<ThreadReply>) =>
    settle(data.id, data.stored),
  );
  worker.addEventListener("error", giveUp);
  worker.addEventListener("close", giveUp);
  return {
    isFree: () => !broken && waitingBytes < WAITING_BYTES,
    async add(bytes, expected) {
      if (broken) return undefined;
      const { promise, resolve } = Promise.withResolvers<StoredPackage | undefined>();
      const id = next++;
      const own = bytes.slice();
      waiting.set(id, { sizeBytes: own.byteLength, resolve });
      waitingBytes += own.byteLength;
      worker.ref();
      const request: ThreadRequest = { ...besides, id, bytes: own, expected };
      worker.postMessage(request, [own.buffer]);
      return promise;
    },
    close: () => worker.terminate(),
  };
}
