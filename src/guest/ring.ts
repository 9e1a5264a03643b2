import { dlopen, toArrayBuffer } from "bun:ffi";
import { fstatSync } from "node:fs";

import { DESCRIPTORS, RING_SLOT_BYTES, RING_SLOTS } from "#bridge/model.ts";

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const FAILED = -1;

/** The ring that the host gave, as memory of this process; undefined where there is none, and bodies go over the link. */
export function mapRing(): Uint8Array | undefined {
  const size = RING_SLOTS * RING_SLOT_BYTES;
  try {
    if (fstatSync(DESCRIPTORS.ring).size !== size) return undefined;
    const address = openLibrary().symbols.mmap(
      null,
      size,
      PROT_READ_WRITE,
      MAP_SHARED,
      DESCRIPTORS.ring,
      0,
    );
    if (address === null || Number(address) === FAILED) return undefined;
    return new Uint8Array(toArrayBuffer(address, 0, size));
  } catch {
    return undefined;
  }
}

/** The C library under the name it has here: glibc, musl. */
function openLibrary() {
  const symbols = {
    mmap: { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" },
  } as const;
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  let last: unknown;
  for (const name of ["libc.so.6", `libc.musl-${machine}.so.1`, `ld-musl-${machine}.so.1`])
    try {
      return dlopen(name, symbols);
    } catch (error) {
      last = error;
    }
  throw new Error("no C library found", { cause: last });
}
