import { rmSync } from "node:fs";
import { join } from "node:path";

import type { Digest } from "#base/names.ts";

import { layPackage, openQuickLaying } from "./link.ts";
import { type StorePlaces, storePlaces } from "./store-places.ts";
import type { SharedLaying, StoreBesides, ThreadReply, ThreadRequest } from "./store-thread.ts";
import { readStored, type Store, storeAt } from "./store.ts";
import type { StoredPackage } from "./stored.ts";
import type { Expected } from "./unpack.ts";

/** The thread behind `startStoreThread`: takes packages into the store, whose lock its process holds, and lays them. */
declare const self: Worker;

/** That of the thread: it has one store for as long as it lives. */
let open: { places: StorePlaces; store: Store } | undefined;
/** What it took in itself, for when it lays that. */
const added = new Map<Digest, StoredPackage>();

self.addEventListener("message", ({ data }: MessageEvent<ThreadRequest>) => void answer(data));

async function answer(request: ThreadRequest): Promise<void> {
  const { id } = request;
  const { places, store } = (open ??= openHere(request));
  if (request.kind === "lay") return tell({ id, laid: lay(places, store, request) });
  const { bytes } = request;
  tell({ id, stored: await add(store, request), bytes }, [bytes.buffer]);
}

function tell(reply: ThreadReply, given: ArrayBuffer[] = []): void {
  self.postMessage(reply, given);
}

function openHere({ landHome, bootId, aheadMs }: StoreBesides): typeof open & {} {
  const home = {
    landHome,
    bootId,
    command: "",
    lockTimeoutMs: 0,
    now: () => new Date(Date.now() + aheadMs),
  };
  const places = storePlaces(landHome);
  return { places, store: storeAt(places, home, { release: () => undefined }) };
}

/** Undefined where it does not go: who sent it does it again, and tells what is wrong. */
async function add(
  store: Store,
  { bytes, expected }: { bytes: Uint8Array<ArrayBuffer>; expected: Expected },
): Promise<StoredPackage | undefined> {
  try {
    if (`sha256:${Bun.SHA256.hash(bytes, "hex")}` !== expected.digest) return undefined;
    const stored = await store.add({ bytes }, expected);
    added.set(stored.digest, stored);
    return stored;
  } catch {
    return undefined;
  }
}

/** Those that were laid. Of another nothing is left there. */
function lay(
  places: StorePlaces,
  store: Store,
  { digests, fresh, folder, method, turn }: SharedLaying,
): number[] {
  const laid: number[] = [];
  const quick = openQuickLaying(store, folder, method);
  for (let at = Atomics.add(turn, 0, 1); at < digests.length; at = Atomics.add(turn, 0, 1)) {
    const target = join(folder, String(at));
    try {
      const digest = digests[at];
      const stored = digest && storedOf(places, digest, fresh[at] === true);
      if (stored && layPackage(store, stored, target, method, quick)) laid.push(at);
    } catch {
      rmSync(target, { recursive: true, force: true });
    }
  }
  quick?.folder.close();
  return laid;
}

function storedOf(
  places: StorePlaces,
  digest: Digest,
  isFresh: boolean,
): StoredPackage | undefined {
  const stored = added.get(digest) ?? readStored(places, digest);
  return stored && isFresh ? { ...stored, fresh: true } : stored;
}
