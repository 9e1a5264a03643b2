import { type Pointer, ptr } from "bun:ffi";

import { fault } from "#base/faults.ts";

import type { LayFolders, SharedLayout } from "./lay-thread.ts";
import { FILE_WORDS, PACKAGE_WORDS } from "./layout.ts";
import { STATX_BYTES, STATX_WANTED, type SystemCalls } from "./quick-files.ts";

/** What stands in the state for a package that was laid whole. */
export const LAID = 1;

/**
 * Lays one package after another, each that no other thread took before. What cannot be laid so, since the store lacks a file of
 * it or has another in its place, or anything is unusual, stays in part, and is not `LAID`.
 */
export function layByLayout(
  c: SystemCalls,
  { bytes, sizes, state }: Pick<SharedLayout, "bytes" | "sizes" | "state">,
  folders: LayFolders,
): void {
  const words = new Uint32Array(bytes.buffer, 0, sizes.table / 4);
  const lay = layerOf(c, { bytes, sizes, ...folders }, words);
  for (let n = Atomics.add(state, 0, 1); n < state.length - 1; n = Atomics.add(state, 0, 1)) {
    fault("tree.lay");
    const at = words[n * PACKAGE_WORDS] ?? -1;
    if (lay(n * PACKAGE_WORDS)) Atomics.store(state, at + 1, LAID);
  }
}

/** Lays the package that begins there in the table. */
function layerOf(
  c: SystemCalls,
  { bytes, sizes, from, to }: Pick<SharedLayout, "bytes" | "sizes"> & LayFolders,
  words: Uint32Array,
): (head: number) => boolean {
  const found = new Uint32Array(new ArrayBuffer(STATX_BYTES));
  const foundAt = ptr(found);
  const [objects, paths] = [sizes.table, sizes.table + sizes.objects];
  const end = paths + sizes.paths;
  const begin: number = ptr(bytes);
  // Only what lies in its part and does not begin at the root leads nowhere else.
  const object = (word = Infinity): Pointer | undefined => placeOf(objects + word, paths);
  const path = (word = Infinity): Pointer | undefined => placeOf(paths + word, end);
  const placeOf = (at: number, before: number): Pointer | undefined => {
    const address = begin + at;
    return at < before && bytes[at] !== SLASH && isPointer(address) ? address : undefined;
  };
  const isSame = (low: number | undefined, high: number | undefined, checkedAt: number): boolean =>
    ((found[0] ?? 0) & STATX_WANTED) === STATX_WANTED &&
    found[10] === low &&
    found[11] === high &&
    wide(found[28], found[29]) * 1000 + (found[30] ?? 0) / 1e6 <= checkedAt;
  return (head) => {
    let word = words[head + 1] ?? 0;
    const checkedAt = wide(words[head + 4], words[head + 5]);
    for (const last = word + (words[head + 2] ?? 0); word < last; word += 1) {
      const folder = path(words[word]);
      if (!folder || c.mkdirat(to, folder, 0o777) !== 0) return false;
    }
    for (const last = word + FILE_WORDS * (words[head + 3] ?? 0); word < last; word += FILE_WORDS) {
      const [source, target] = [object(words[word]), path(words[word + 1])];
      if (!source || !target) return false;
      if (c.statx(from, source, 0, STATX_WANTED, foundAt) !== 0) return false;
      if (!isSame(words[word + 2], words[word + 3], checkedAt)) return false;
      if (c.linkat(from, source, to, target, 0) !== 0) return false;
    }
    return true;
  };
}

const SLASH = 0x2f;

function isPointer(address: number): address is Pointer {
  return address > 0;
}

function wide(low = 0, high = 0): number {
  return high * 2 ** 32 + low;
}
