/**
 * A set of states of one package. Bit 0: not installed. Bit i: the i-th oldest version is installed. A term of PubGrub,
 * positive or negative, is one such set, so "satisfied" is a subset test and "contradicted" an empty intersection,
 * exact for every range grammar.
 */
export type VersionSet = bigint;

/** The state "not installed". */
export const ABSENT: VersionSet = 1n;

/** How many states are in the set. */
export function countOf(set: VersionSet): number {
  let count = 0;
  if (set < 0x80000000n) {
    for (let word = Number(set); word !== 0; word &= word - 1) count++;
    return count;
  }
  for (let rest = set; rest > 0n; rest >>= 32n) {
    let word = Number(rest & 0xffffffffn);
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    count += (((word + (word >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
  }
  return count;
}

/** The highest bit of a set that is not empty. */
export function highestOf(set: VersionSet): number {
  if (set < 0x80000000n) return 31 - Math.clz32(Number(set));
  return set.toString(2).length - 1;
}

/** The lowest bit of a set that is not empty. */
export function lowestOf(set: VersionSet): number {
  return highestOf(set & -set);
}

/** The set of all bits from 1 to `count` whose index, counted from 0, passes the test. */
export function setWhere(count: number, test: (index: number) => boolean): VersionSet {
  if (count < 31) {
    let word = 0;
    for (let index = 0; index < count; index++) if (test(index)) word |= 2 << index;
    return BigInt(word);
  }
  let bits = "0b";
  for (let index = count - 1; index >= 0; index--) bits += test(index) ? "1" : "0";
  return BigInt(`${bits}0`);
}

/** The bits of a set, lowest first. */
export function bitsOf(set: VersionSet): number[] {
  const text = set.toString(2);
  const bits: number[] = [];
  for (let bit = 0; bit < text.length; bit++)
    if (text[text.length - 1 - bit] === "1") bits.push(bit);
  return bits;
}
