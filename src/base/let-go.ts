import { ptr } from "bun:ffi";

import { openCLibrary } from "./c-library.ts";

/** From so many bytes on the system gets the memory at once. */
const LARGE_BYTES = 128 * 1024;
/** A multiple of the size of a page. */
const PAGE_BYTES = process.arch === "x64" ? 4096 : 65_536;

/**
 * Gives the memory of these bytes back at once, where they are all that lies in it; they are gone then. Left to itself, the runtime
 * keeps what was read and unpacked until there is much of it, since it counts objects and not what they hold, and what it gives
 * back its allocator keeps for a second.
 */
export function letGo(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes;
  if (byteLength === 0 || !(buffer instanceof ArrayBuffer) || buffer.byteLength !== byteLength)
    return;
  if (byteLength >= LARGE_BYTES) dropPages(bytes);
  buffer.transfer(0);
}

/** Of the pages that hold nothing else the content is dropped: they read as zeros, and take no memory until they are written to. */
function dropPages(bytes: Uint8Array): void {
  const begin = ptr(bytes);
  const from = Math.ceil(begin / PAGE_BYTES) * PAGE_BYTES;
  const to = Math.floor((begin + bytes.byteLength) / PAGE_BYTES) * PAGE_BYTES;
  if (to > from) adviser()?.(from, to - from, MADV_DONTNEED);
}

/** @see madvise(2) */
const MADV_DONTNEED = 4;

type Advise = (address: number, bytes: number, advice: number) => unknown;

/** Undefined where there is none of this meaning: on other systems than Linux it is another, or only a hint. */
function adviser(): Advise | undefined {
  if (found) return found.advise;
  found = { advise: undefined };
  try {
    if (process.platform === "linux")
      found.advise = openCLibrary({
        madvise: { args: ["usize", "usize", "i32"], returns: "i32" },
      }).madvise;
  } catch {
    // A system that lets no program make code of its own.
  }
  return found.advise;
}

let found: { advise: Advise | undefined } | undefined;
