/**
 * `src/runtime/link` is the host's end of the bridge: the ring, the link of one process, visitors' requests as a program gets
 * them and answers as visitors do. `src/runtime/process` and the server call it. It must never believe what comes over a link.
 */
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { closeSync } from "node:fs";

import { openCLibrary } from "#base/c-library.ts";
import { RING_SLOT_BYTES, RING_SLOTS } from "#bridge/model.ts";

/** Memory that the host shares with one process. */
export type Ring = {
  /** Its descriptor, to be given to that process; -1: this system has none, and bodies go over the link. */
  readonly fd: number;
  /** Mapped for as long as anything holds it or a view of it. */
  readonly memory: Uint8Array | undefined;
  /** Closes the descriptor. Views that are in use stay good. */
  close: () => void;
};

const SIZE = RING_SLOTS * RING_SLOT_BYTES;
const CLOEXEC_AND_SEALS = 1 | 2;
const ADD_SEALS = 1033;
/** Nobody changes the size or the seals any more: the host would die of a page that is gone. */
const SEAL_ALL = 1 | 2 | 4;
const READ_WRITE = 3;
const SHARED = 1;
const FAILED = -1;

let library: ReturnType<typeof openLibrary> | undefined;

function openLibrary() {
  return openCLibrary({
    memfd_create: { args: ["cstring", "u32"], returns: "i32" },
    ftruncate: { args: ["i32", "i64"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    mmap: { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" },
    munmap: { args: ["ptr", "u64"], returns: "i32" },
  });
}

/** Makes a ring for one process. Where the system refuses, it is one without memory. */
export function createRing(): Ring {
  if (process.platform !== "linux") return { fd: -1, memory: undefined, close: () => undefined };
  const { memfd_create, ftruncate, fcntl, mmap, munmap } = (library ??= openLibrary());
  const fd = memfd_create(Buffer.from("land\0"), CLOEXEC_AND_SEALS);
  if (fd < 0) return { fd: -1, memory: undefined, close: () => undefined };
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  const isSealed = ftruncate(fd, SIZE) === 0 && fcntl(fd, ADD_SEALS, SEAL_ALL) === 0;
  const address = isSealed ? mmap(null, SIZE, READ_WRITE, SHARED, fd, 0) : null;
  if (address === null || Number(address) === FAILED) {
    close();
    return { fd: -1, memory: undefined, close: () => undefined };
  }
  const buffer = toOwnedBuffer(address, SIZE, addressOf(munmap));
  return { fd, memory: new Uint8Array(buffer), close };
}

/** A buffer over `address` that is freed by `free(address, size)` once the last view of it is collected, never under one. */
function toOwnedBuffer(address: Pointer | bigint, size: number, free: number): ArrayBuffer {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types leave out the context and the function that frees
  const make = toArrayBuffer as unknown as (
    address: Pointer | bigint,
    offset: number,
    size: number,
    context: number,
    free: number,
  ) => ArrayBuffer;
  // The second argument of munmap is a size where a context is meant.
  return make(address, 0, size, size, free);
}

/** Where a function of a library lies, which its types leave out. */
function addressOf(symbol: unknown): number {
  const address: unknown = typeof symbol === "function" ? Reflect.get(symbol, "ptr") : undefined;
  if (typeof address !== "number") throw new Error("a function of the C library has no address");
  return address;
}
