import { ptr } from "bun:ffi";

import { openCLibrary } from "#base/c-library.ts";

/**
 * How long the main thread of a process computes before others have their turn: one with shorter turns gets no more time, but
 * has it as soon as it wakes up, where the kernel would let another end its turn first (1.4 to 4 ms here). Since Linux 6.12; older
 * ones keep theirs.
 */
export type Slices = { set: (pid: number, ns: number) => void };

/** `struct sched_attr`, its first version. */
const ATTRIBUTES = { bytes: 48, flags: 8, nice: 16, slice: 24 } as const;
const KEEP_POLICY = 8;
const NUMBERS: Partial<Record<string, number>> = { x64: 314, arm64: 274 };
const PRIO_PROCESS = 0;

/** Slices of this machine; 0 ns: what is usual. Of a process that has ended, or of another user, nothing changes. */
export function createSlices(): Slices {
  const number = NUMBERS[process.arch];
  if (number === undefined) return { set() {} };
  const { syscall, getpriority } = openCLibrary({
    syscall: { args: ["i64", "i64", "ptr", "i64"], returns: "i64" },
    getpriority: { args: ["i32", "u32"], returns: "i32" },
  });
  const attributes = new DataView(new ArrayBuffer(ATTRIBUTES.bytes));
  const bytes = new Uint8Array(attributes.buffer);
  return {
    set(pid, ns) {
      attributes.setUint32(0, ATTRIBUTES.bytes, true);
      attributes.setUint32(ATTRIBUTES.flags, KEEP_POLICY, true);
      // The call sets all at once: its nice value stays what it is.
      attributes.setInt32(ATTRIBUTES.nice, getpriority(PRIO_PROCESS, pid), true);
      attributes.setBigUint64(ATTRIBUTES.slice, BigInt(ns), true);
      syscall(number, pid, ptr(bytes), 0);
    },
  };
}
