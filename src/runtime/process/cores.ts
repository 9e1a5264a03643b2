import { ptr } from "bun:ffi";
import { availableParallelism } from "node:os";

import { openCLibrary } from "#base/c-library.ts";

/** On which cores the threads of a process may compute. */
export type Cores = {
  /** On all but those that are kept free. The threads that it starts later are kept there, too. */
  confine: (threads: readonly number[]) => void;
  /** On all that the server has. */
  release: (threads: readonly number[]) => void;
  /** How many are not kept free. */
  rest: number;
};

/** `cpu_set_t` for as many cores as the kernel may have. */
const MASK_BYTES = 1024;
/** One in so many cores is kept free, at least one. */
const FREE_PART = 4;

/**
 * Keeps a core free of those that hold one. Whoever wakes up there computes at once; on a core that is held the kernel lets the
 * other go on for up to 4 ms, since it looks at turns that are over that rarely, however little urgent that one is.
 */
export function createCores(): Cores {
  const none = { confine() {}, release() {}, rest: availableParallelism() };
  if (process.platform !== "linux") return none;
  const calls = openCLibrary({
    sched_getaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
    sched_setaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
  });
  const all = new Uint8Array(MASK_BYTES);
  if (calls.sched_getaffinity(0, MASK_BYTES, ptr(all)) < 0) return none;
  const cores = coresIn(all);
  if (cores.length < 2) return none;
  const rest = cores.slice(Math.max(1, Math.floor(cores.length / FREE_PART)));
  const set = (threads: readonly number[], mask: Uint8Array): void => {
    for (const id of threads) calls.sched_setaffinity(id, MASK_BYTES, ptr(mask));
  };
  const without = maskOf(rest);
  return {
    confine: (threads) => set(threads, without),
    release: (threads) => set(threads, all),
    rest: rest.length,
  };
}

function coresIn(mask: Uint8Array): number[] {
  const cores: number[] = [];
  for (let core = 0; core < mask.length * 8; core += 1)
    if (((mask[core >> 3] ?? 0) >> (core & 7)) & 1) cores.push(core);
  return cores;
}

function maskOf(cores: readonly number[]): Uint8Array {
  const mask = new Uint8Array(MASK_BYTES);
  for (const core of cores) mask[core >> 3] = (mask[core >> 3] ?? 0) | (1 << (core & 7));
  return mask;
}
