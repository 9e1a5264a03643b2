/**
 * Counts by four whole numbers in two flat arrays: objects and maps for each of ten thousand sites would be most of what their
 * traffic takes in memory. Rows are numbered in the order in which they came.
 */
export type Rows = {
  size: number;
  /** Four numbers a row. */
  keys: Int32Array;
  /** Two sums a row: how often, and how many bytes. */
  sums: Float64Array;
  /** Hash table: the number of a row plus one, or 0. A power of two, never more than half full. */
  slots: Int32Array;
};

const KEYS = 4;
const SUMS = 2;
const FIRST_ROWS = 64;

/** No rows yet. */
export function createRows(): Rows {
  return {
    size: 0,
    keys: new Int32Array(FIRST_ROWS * KEYS),
    sums: new Float64Array(FIRST_ROWS * SUMS),
    slots: new Int32Array(FIRST_ROWS * 2),
  };
}

/** The number of the row, or -1. */
export function findRow(rows: Rows, a: number, b: number, c: number, d: number): number {
  return (rows.slots[slotOf(rows, a, b, c, d)] ?? 0) - 1;
}

/** The number of the row, which is made where there is none. */
export function openRow(rows: Rows, a: number, b: number, c: number, d: number): number {
  const slot = slotOf(rows, a, b, c, d);
  const known = (rows.slots[slot] ?? 0) - 1;
  if (known !== -1) return known;
  const row = rows.size;
  const at = row * KEYS;
  rows.keys[at] = a;
  rows.keys[at + 1] = b;
  rows.keys[at + 2] = c;
  rows.keys[at + 3] = d;
  rows.slots[slot] = row + 1;
  rows.size += 1;
  if (rows.size * 2 >= rows.slots.length) grow(rows);
  return row;
}

/** Adds to the sums of a row. */
export function increaseRow({ sums }: Rows, row: number, count: number, bytes: number): void {
  const at = row * SUMS;
  sums[at] = (sums[at] ?? 0) + count;
  sums[at + 1] = (sums[at + 1] ?? 0) + bytes;
}

/** One of the four numbers of a row, from 0. */
export function keyOf({ keys }: Rows, row: number, which: 0 | 1 | 2 | 3): number {
  return keys[row * KEYS + which] ?? 0;
}

/** How often. */
export function countOf({ sums }: Rows, row: number): number {
  return sums[row * SUMS] ?? 0;
}

/** How many bytes. */
export function bytesOf({ sums }: Rows, row: number): number {
  return sums[row * SUMS + 1] ?? 0;
}

/** Where a row stands in the hash table, or would. */
function slotOf({ slots, keys }: Rows, a: number, b: number, c: number, d: number): number {
  const mask = slots.length - 1;
  for (let slot = hashOf(a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
    const row = (slots[slot] ?? 0) - 1;
    if (row === -1) return slot;
    const at = row * KEYS;
    if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d)
      return slot;
  }
}

function hashOf(a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ c, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ d, 0x27d4eb2f);
  return hash ^ (hash >>> 16);
}

function grow(rows: Rows): void {
  const { sums, size } = rows;
  const keys = new Int32Array(rows.keys.length * 2);
  keys.set(rows.keys);
  rows.keys = keys;
  rows.sums = new Float64Array(sums.length * 2);
  rows.sums.set(sums);
  rows.slots = new Int32Array(rows.slots.length * 2);
  for (let row = 0; row < size; row += 1) {
    const at = row * KEYS;
    const slot = slotOf(
      rows,
      keys[at] ?? 0,
      keys[at + 1] ?? 0,
      keys[at + 2] ?? 0,
      keys[at + 3] ?? 0,
    );
    rows.slots[slot] = row + 1;
  }
}
