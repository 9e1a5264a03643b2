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
  // In pieces: each shift goes over all that is left.
  for (let rest = set; rest > 0n; rest >>= 1024n) count += countPiece(BigInt.asUintN(1024, rest));
  return count;
}

function countPiece(piece: VersionSet): number {
  let count = 0;
  for (let rest = piece; rest > 0n; rest >>= 32n) {
    let word = Number(BigInt.asUintN(32, rest));
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

/** The highest bit of a set that is not empty. */
export function highestOf(set: VersionSet): number {
  if (set < 0x80000000n) return 31 - Math.clz32(Number(set));
  const text = set.toString(32);
  return (text.length - 1) * 5 + 31 - Math.clz32(Number.parseInt(text.charAt(0), 32));
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

/** The set of all bits from `from` to `to`, both included; empty where `to` is lower. */
export function stretch(from: number, to: number): VersionSet {
  return to < from ? 0n : (1n << BigInt(to + 1)) - (1n << BigInt(from));
}

/** Few bits are put together one by one. */
const FEW = 64;

/** The set of the bits that stand for these indexes of `count`, which are sorted and counted from 0. */
export function setOf(indexes: readonly number[], count: number): VersionSet {
  const [first = 0] = indexes;
  const last = indexes.at(-1);
  if (last === undefined) return 0n;
  if (last - first === indexes.length - 1) return stretch(first + 1, last + 1);
  if (indexes.length <= FEW) return indexes.reduce((set, index) => set | (2n << BigInt(index)), 0n);
  const among = new Set(indexes);
  return setWhere(count, (index) => among.has(index));
}

/** The bits of a set, lowest first. */
export function bitsOf(set: VersionSet): number[] {
  const text = set.toString(2);
  const bits: number[] = [];
  for (let bit = 0; bit < text.length; bit++)
    if (text[text.length - 1 - bit] === "1") bits.push(bit);
  return bits;
}

/** The runs of bits side by side in a set, lowest first: first and last bit of each. */
export function runsOf(set: VersionSet): [number, number][] {
  if (set === 0n) return [];
  const [low, high] = [lowestOf(set), highestOf(set)];
  if (set === stretch(low, high)) return [[low, high]];
  const text = set.toString(2);
  const runs: [number, number][] = [];
  let from = text.length - 1 - low;
  while (from >= 0) {
    const gap = text.lastIndexOf("0", from);
    runs.push([text.length - 1 - from, text.length - 2 - gap]);
    from = gap < 0 ? -1 : text.lastIndexOf("1", gap);
  }
  return runs;
}
