import { ptr } from "bun:ffi";
import { availableParallelism } from "node:os";

import { openCLibrary } from "#base/c-library.ts";

import { threadsOf } from "./threads.ts";

/** On which cores processes and threads may compute. */
export type Cores = {
  /** A process on all but those that are kept free. The threads that it starts later are kept there, too. */
  confine: (pid: number) => void;
  /** A process on those that are kept free alone. */
  gather: (pid: number) => void;
  /** A process on all that the server has. */
  release: (pid: number) => void;
  /** A thread on those that are kept free alone. */
  shelter: (thread: number) => void;
  /** A thread on those that are not kept free. */
  displace: (thread: number) => void;
  /** A thread on all that the server has. */
  expose: (thread: number) => void;
  /** Those that are kept free, and all others. */
  free: readonly number[];
  rest: readonly number[];
};

/** `cpu_set_t` for as many cores as the kernel may have. */
const MASK_BYTES = 1024;
/** How often threads of a process are looked for that were not there the time before. */
const PASSES = 4;
/** One in so many cores is kept free, at least one. */
const FREE_PART = 4;

/**
 * Keeps a core free of those that hold one. Whoever wakes up there computes at once; on a core that is held the kernel lets the
 * other go on for up to 4 ms, since it looks at turns that are over that rarely, however little urgent that one is. Nothing is moved
 * where we may not place processes of programs: `mayPlace`.
 */
export function createCores(mayPlace: boolean): Cores {
  const none = {
    confine() {},
    gather() {},
    release() {},
    shelter() {},
    displace() {},
    expose() {},
    free: [],
  };
  const noCores = { ...none, rest: [...Array(availableParallelism()).keys()] };
  if (process.platform !== "linux") return noCores;
  const calls = openCLibrary({
    sched_getaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
    sched_setaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
  });
  const read = (id: number): Uint8Array | undefined => {
    const mask = new Uint8Array(MASK_BYTES);
    return calls.sched_getaffinity(id, MASK_BYTES, ptr(mask)) < 0 ? undefined : mask;
  };
  const all = read(0);
  const cores = all ? coresIn(all) : [];
  if (!all || cores.length === 0) return noCores;
  if (cores.length < 2 || !mayPlace) return { ...none, rest: cores };
  const kept = Math.max(1, Math.floor(cores.length / FREE_PART));
  const [free, rest] = [cores.slice(0, kept), cores.slice(kept)];
  const masks = { free: maskOf(free), rest: maskOf(rest) };
  const setOne = (thread: number, mask: Uint8Array): void =>
    void calls.sched_setaffinity(thread, MASK_BYTES, ptr(mask));
  const set = (pid: number, mask: Uint8Array): void => {
    // Its threads have what its first one has. A thread that computes is moved at once, which takes a while.
    const now = read(pid);
    if (!now || Buffer.compare(now, mask) === 0) return;
    const done = new Set<number>();
    // What starts threads meanwhile may start them where it was.
    for (let pass = 0; pass < PASSES; pass += 1) {
      const threads = threadsOf(pid).filter((id) => !done.has(id));
      if (threads.length === 0) break;
      for (const id of threads) {
        setOne(id, mask);
        done.add(id);
      }
    }
  };
  return {
    confine: (pid) => set(pid, masks.rest),
    gather: (pid) => set(pid, masks.free),
    release: (pid) => set(pid, all),
    shelter: (thread) => setOne(thread, masks.free),
    displace: (thread) => setOne(thread, masks.rest),
    expose: (thread) => setOne(thread, all),
    free,
    rest,
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
