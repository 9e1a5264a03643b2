import type { Slot } from "./incompatibility.ts";

/** The packages that must be installed and have no version yet, the one to decide next first. */
export type Queue = {
  first: () => Slot | undefined;
  /** Takes a package in, or puts it where it belongs now. */
  put: (slot: Slot) => void;
  remove: (slot: Slot) => void;
};

/** An empty queue: a binary heap in which each package knows its place. */
export function createQueue(): Queue {
  const heap: Slot[] = [];

  const set = (slot: Slot, at: number): void => {
    heap[at] = slot;
    slot.place = at;
  };
  const rise = (slot: Slot): void => {
    let at = slot.place;
    while (at > 0) {
      const above = heap[(at - 1) >> 1];
      if (!above || !isBefore(slot, above)) break;
      set(above, at);
      at = (at - 1) >> 1;
    }
    set(slot, at);
  };
  const sink = (slot: Slot): void => {
    let at = slot.place;
    for (;;) {
      const [left, right] = [heap[at * 2 + 1], heap[at * 2 + 2]];
      const below = left && right && isBefore(right, left) ? right : left;
      if (!below || !isBefore(below, slot)) break;
      const from = below.place;
      set(below, at);
      at = from;
    }
    set(slot, at);
  };

  const settle = (slot: Slot): void => {
    rise(slot);
    sink(slot);
  };

  return {
    first: () => heap[0],
    put(slot) {
      if (slot.place < 0) set(slot, heap.length);
      settle(slot);
    },
    remove(slot) {
      const { place } = slot;
      const last = heap.pop();
      slot.place = -1;
      if (!last || last === slot) return;
      set(last, place);
      settle(last);
    },
  };
}

/**
 * The package to decide next: most often in dead ends, then what the project itself asks for, so that it and not what lies
 * below it gets the newest version, then with the fewest versions left, then met first.
 */
function isBefore(a: Slot, b: Slot): boolean {
  const byConflicts = classOf(b.conflicts) - classOf(a.conflicts);
  if (byConflicts !== 0) return byConflicts < 0;
  if (a.direct !== b.direct) return a.direct;
  return a.count !== b.count ? a.count < b.count : a.seen < b.seen;
}

/** Few conflicts say little: the classes are 0 to 3, 4 to 7, 8 to 15 … */
function classOf(conflicts: number): number {
  return conflicts < 4 ? 0 : 30 - Math.clz32(conflicts);
}
