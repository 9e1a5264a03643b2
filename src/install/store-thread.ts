import type { Digest } from "#base/names.ts";
import { spawnWorker } from "#base/worker.ts";

import type { LinkMethod } from "./link-method.ts";
import type { StoredPackage } from "./stored.ts";
import type { Expected } from "./unpack.ts";

/** What another thread needs to know of a store; `aheadMs`: how far its clock is ahead of that of the system. */
export type StoreBesides = { landHome: string; bootId: string; aheadMs: number };

/** What the thread is asked: to take an archive in, whose bytes are its alone, or to lay packages. */
export type ThreadRequest = StoreBesides & { id: number } & (
    | { kind: "add"; bytes: Uint8Array<ArrayBuffer>; expected: Expected }
    | ({ kind: "lay" } & SharedLaying)
  );
/** What it took in, undefined where it could not, and the bytes that it was given; which packages it laid. */
export type ThreadReply = {
  id: number;
  stored?: StoredPackage | undefined;
  bytes?: Uint8Array<ArrayBuffer>;
  laid?: number[];
};

/** Packages of the store that two threads lay: each takes the next of them as long as there is one. */
export type SharedLaying = {
  /** The `n`th goes to `folder/n`. */
  digests: readonly Digest[];
  /** Which of them this process put into the store itself. */
  fresh: readonly boolean[];
  folder: string;
  method: LinkMethod;
  /** In shared memory: the one that is next. */
  turn: Int32Array<SharedArrayBuffer>;
};

/** A second thread that unpacks archives into the store and lays packages. */
export type StoreThread = {
  /** Whether it has little enough to do that one more is done sooner by it. */
  isFree: () => boolean;
  /**
   * Takes a package in, as `Store.add` does, if it has the expected checksum. Takes the memory of the bytes away and gives it back;
   * without what was stored where that did not go well, so that it is to be done here; without the bytes where they were lost.
   */
  add: (
    bytes: Uint8Array<ArrayBuffer>,
    expected: Expected,
  ) => Promise<Pick<ThreadReply, "stored" | "bytes">>;
  /** Lays with the caller. Gives those that it laid; what it took and did not lay is to be done here. */
  lay: (laying: SharedLaying) => Promise<readonly number[]>;
  close: () => void;
};

/** Archives that wait for the thread hold no more memory, in bytes. */
const WAITING_BYTES = 2_000_000;

type Waiting = { sizeBytes: number; resolve: (reply: Partial<ThreadReply>) => void };

/** Starts one. */
export function startStoreThread(besides: StoreBesides): StoreThread {
  const worker = spawnWorker("src/install/store-thread-worker.ts", { smol: true });
  const waiting = new Map<number, Waiting>();
  let next = 0;
  let waitingBytes = 0;
  let broken = false;
  const settle = (id: number, reply: Partial<ThreadReply>): void => {
    const found = waiting.get(id);
    waiting.delete(id);
    waitingBytes -= found?.sizeBytes ?? 0;
    found?.resolve(reply);
    if (waiting.size === 0) worker.unref();
  };
  const giveUp = (): void => {
    broken = true;
    for (const id of waiting.keys()) settle(id, {});
  };
  worker.addEventListener("message", ({ data }: MessageEvent<ThreadReply>) =>
    settle(data.id, data),
  );
  worker.addEventListener("error", giveUp);
  worker.addEventListener("close", giveUp);
  const ask = async (sizeBytes: number, send: (id: number) => void) => {
    if (broken) return {};
    const { promise, resolve } = Promise.withResolvers<Partial<ThreadReply>>();
    const id = next++;
    waiting.set(id, { sizeBytes, resolve });
    waitingBytes += sizeBytes;
    worker.ref();
    send(id);
    return promise;
  };
  const send = (request: ThreadRequest, give: ArrayBuffer[]): void =>
    worker.postMessage(request, give);
  return {
    isFree: () => !broken && waitingBytes < WAITING_BYTES,
    add: (bytes, expected) =>
      ask(bytes.byteLength, (id) =>
        send({ ...besides, kind: "add", id, bytes, expected }, [bytes.buffer]),
      ),
    async lay(laying) {
      const reply = await ask(0, (id) => send({ ...besides, kind: "lay", id, ...laying }, []));
      return reply.laid ?? [];
    },
    close: () => worker.terminate(),
  };
}
