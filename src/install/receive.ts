import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";

import { letGo } from "#base/let-go.ts";
import { fileFailed } from "#store/files.ts";

import type { Store } from "./store.ts";

/** Up to here an archive stays in memory until it is in the store. */
export const IN_MEMORY_BYTES = 6_000_000;

/** An archive that came whole; its checksum where it was made on the way, since it is in no memory. */
export type Received = { archive: InMemory | { path: string }; digest: string | undefined };

type InMemory = { bytes: Uint8Array<ArrayBuffer> };

/** Takes an archive as it comes: into memory, and where it is large into a file on the disk of the store. */
export type Receiver = {
  take: (piece: Uint8Array) => Promise<void>;
  finish: () => Promise<Received>;
  /** Removes what was not moved away. */
  close: () => Promise<void>;
};

/**
 * Makes one, for as many bytes as are told. The pieces that it takes are copied. What is in memory is good until it is closed, or
 * for who took its memory away by then.
 */
export function createReceiver(
  { makeFolder }: Pick<Store, "makeFolder">,
  sizeBytes = FIRST_BYTES,
): Receiver {
  let held = memoryFor(Math.min(sizeBytes, IN_MEMORY_BYTES));
  let heldBytes = 0;
  let file: { folder: string; path: string; handle: FileHandle } | undefined;
  const hasher = new Bun.CryptoHasher("sha256");
  const write = async (bytes: Uint8Array): Promise<void> => {
    const { path, handle } = (file ??= await openSpill(makeFolder));
    hasher.update(bytes);
    try {
      for (let at = 0; at < bytes.byteLength;) at += (await handle.write(bytes, at)).bytesWritten;
    } catch (cause) {
      throw fileFailed("write", path, cause);
    }
  };
  const grow = (toBytes: number): void => {
    const before = held;
    held = memoryFor(toBytes);
    held.set(before.subarray(0, heldBytes));
    giveBack(before);
  };
  return {
    async take(piece) {
      if (file) return write(piece);
      const neededBytes = heldBytes + piece.byteLength;
      if (neededBytes > IN_MEMORY_BYTES) {
        await write(held.subarray(0, heldBytes));
        giveBack(held);
        held = NOTHING;
        return write(piece);
      }
      if (neededBytes > held.length) grow(Math.min(2 * neededBytes, IN_MEMORY_BYTES));
      held.set(piece, heldBytes);
      heldBytes = neededBytes;
    },
    async finish() {
      if (!file) {
        return { archive: { bytes: held.subarray(0, heldBytes) }, digest: undefined };
      }
      await file.handle.close();
      return { archive: { path: file.path }, digest: `sha256:${hasher.digest("hex")}` };
    },
    async close() {
      giveBack(held);
      held = NOTHING;
      await file?.handle.close().catch(() => undefined);
      if (file) await rm(file.folder, { recursive: true, force: true });
    },
  };
}

const NOTHING = new Uint8Array(0);

/** Memory of smaller archives that is used again: what is made anew is filled with zeros, and the system brings it page by page. */
const spare: ArrayBuffer[] = [];
const SPARE_BYTES = 2 ** 20;
const MOST_SPARE = 6;

function memoryFor(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes >= SPARE_BYTES) return new Uint8Array(bytes);
  return new Uint8Array(spare.pop() ?? new ArrayBuffer(SPARE_BYTES), 0, Math.max(bytes, 1));
}

/** Takes the memory of an archive back; what was in it is gone then. */
export function giveBack({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (buffer.detached) return;
  if (buffer.byteLength !== SPARE_BYTES) letGo(new Uint8Array(buffer));
  else if (spare.length < MOST_SPARE && !spare.includes(buffer)) spare.push(buffer);
}

/** What is made ready for an archive of unknown size. */
const FIRST_BYTES = 65_536;

async function openSpill(makeFolder: Store["makeFolder"]) {
  const folder = await makeFolder();
  const path = join(folder, "archive");
  try {
    return { folder, path, handle: await open(path, "wx", 0o600) };
  } catch (cause) {
    throw fileFailed("write", path, cause);
  }
}
