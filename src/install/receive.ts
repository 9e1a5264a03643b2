import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";

import { fileFailed } from "#store/files.ts";

import type { Store } from "./store.ts";
import type { Content } from "./unpack.ts";

/** Up to here an archive stays in memory until it is in the store. */
export const IN_MEMORY_BYTES = 4_000_000;

/** Takes an archive as it comes: into memory, and where it is large into a file on the disk of the store. */
export type Receiver = {
  take: (piece: Uint8Array) => Promise<void>;
  finish: () => Promise<Content>;
  /** Removes what was not moved away. */
  close: () => Promise<void>;
};

/** Makes one. The pieces that it takes must stay as they are. */
export function createReceiver({ makeFolder }: Pick<Store, "makeFolder">): Receiver {
  let pieces: Uint8Array[] = [];
  let heldBytes = 0;
  let file: { folder: string; path: string; handle: FileHandle } | undefined;
  const write = async (bytes: Uint8Array): Promise<void> => {
    const { path, handle } = (file ??= await openSpill(makeFolder));
    try {
      for (let at = 0; at < bytes.byteLength;) at += (await handle.write(bytes, at)).bytesWritten;
    } catch (cause) {
      throw fileFailed("write", path, cause);
    }
  };
  const spill = async (): Promise<void> => {
    const held = pieces;
    pieces = [];
    for (const piece of held) await write(piece);
  };
  return {
    async take(piece) {
      heldBytes += piece.byteLength;
      if (file) return write(piece);
      pieces.push(piece);
      if (heldBytes > IN_MEMORY_BYTES) await spill();
    },
    async finish() {
      if (!file)
        return { bytes: pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces) };
      await file.handle.close();
      return { path: file.path };
    },
    async close() {
      await file?.handle.close().catch(() => undefined);
      if (file) await rm(file.folder, { recursive: true, force: true });
    },
  };
}

async function openSpill(makeFolder: Store["makeFolder"]) {
  const folder = await makeFolder();
  const path = join(folder, "archive");
  try {
    return { folder, path, handle: await open(path, "wx", 0o600) };
  } catch (cause) {
    throw fileFailed("write", path, cause);
  }
}
