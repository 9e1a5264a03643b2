import { toArrayBuffer } from "bun:ffi";

import { openCLibrary } from "#base/c-library.ts";
import { DESCRIPTORS, RING_SLOT_BYTES, RING_SLOTS } from "#bridge/model.ts";

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const SEEK_END = 2;
const FAILED = -1;

/** The ring that the host gave, as memory of this process; undefined where there is none, and bodies go over the link. */
export function mapRing(): Uint8Array | undefined {
  const size = RING_SLOTS * RING_SLOT_BYTES;
  try {
    const { lseek, mmap } = openCLibrary({
      lseek: { args: ["i32", "i64", "i32"], returns: "i64" },
      mmap: { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" },
    });
    // Its size, without `node:fs`, which takes as long to load as half of the guest.
    if (Number(lseek(DESCRIPTORS.ring, 0, SEEK_END)) !== size) return undefined;
    const address = mmap(null, size, PROT_READ_WRITE, MAP_SHARED, DESCRIPTORS.ring, 0);
    if (address === null || Number(address) === FAILED) return undefined;
    return new Uint8Array(toArrayBuffer(address, 0, size));
  } catch {
    return undefined;
  }
}
