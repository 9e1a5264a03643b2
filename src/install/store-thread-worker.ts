import { storePlaces } from "./store-places.ts";
import type { ThreadReply, ThreadRequest } from "./store-thread.ts";
import { storeAt } from "./store.ts";

/** The thread behind `startStoreThread`: takes packages into the store, whose lock its process holds. */
declare const self: Worker;

self.addEventListener("message", ({ data }: MessageEvent<ThreadRequest>) => void add(data));

async function add({ id, bytes, expected, ...about }: ThreadRequest): Promise<void> {
  const { landHome, bootId, aheadMs } = about;
  const home = {
    landHome,
    bootId,
    command: "",
    lockTimeoutMs: 0,
    now: () => new Date(Date.now() + aheadMs),
  };
  const store = storeAt(storePlaces(landHome), home, { release: () => undefined });
  let reply: ThreadReply = { id, stored: undefined };
  try {
    reply = { id, stored: await store.add({ bytes }, expected) };
  } catch {
    // Who sent it does it again, and tells what is wrong.
  }
  self.postMessage(reply);
}
