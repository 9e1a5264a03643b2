/** One instruction of classic BPF: code, jump if true, jump if false, value. Jumps count instructions. */
export type Instruction = readonly [code: number, yes: number, no: number, value: number];

const LOAD = 0x20; // a 32-bit word at an absolute offset
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

/** Offsets in `struct seccomp_data`. Arguments have 64 bits; the calls judged here read the low 32 alone, as the kernel does for them. */
const AT_NUMBER = 0;
const AT_ARCH = 4;
const atArgument = (index: number): number => 16 + 8 * index;

/** What a filter answers. */
export const ACTION = {
  allow: 0x7fff0000,
  kill: 0x80000000,
  /** The call fails with this error number. */
  error: (errno: number): number => 0x00050000 | errno,
} as const;

/** Ends with an action. */
export const answer = (action: number): Instruction => [RETURN, 0, 0, action];
/** Looks at the number of the call from here on. */
export const loadNumber: Instruction = [LOAD, 0, 0, AT_NUMBER];
/** Looks at the architecture of the call. */
export const loadArch: Instruction = [LOAD, 0, 0, AT_ARCH];
/** Looks at an argument, from 0. A block that does so must end with an answer: what follows looks at the number. */
export const loadArgument = (index: number): Instruction => [LOAD, 0, 0, atArgument(index)];

/** Runs `block` where the word looked at is `value`, else goes on behind it. */
export function whenEqual(value: number, block: readonly Instruction[]): Instruction[] {
  return [[JUMP_EQUAL, 0, skip(block), value], ...block];
}

/** Runs `block` where it is anything but `value`. */
export function unlessEqual(value: number, block: readonly Instruction[]): Instruction[] {
  return [[JUMP_EQUAL, skip(block), 0, value], ...block];
}

/** Runs `block` where it is `value` or more, unsigned. */
export function whenAtLeast(value: number, block: readonly Instruction[]): Instruction[] {
  return [[JUMP_AT_LEAST, 0, skip(block), value], ...block];
}

/** Runs `block` where it is `from` to `to`, both included. */
export function whenWithin(from: number, to: number, block: readonly Instruction[]): Instruction[] {
  if (from === to) return whenEqual(from, block);
  return [
    [JUMP_AT_LEAST, 0, skip(block) + 1, from],
    [JUMP_AT_LEAST, skip(block), 0, to + 1],
    ...block,
  ];
}

/** Runs `block` where it has any of these bits. */
export function whenAnyBit(bits: number, block: readonly Instruction[]): Instruction[] {
  return [[JUMP_ANY_BIT, 0, skip(block), bits], ...block];
}

/** Runs `block` where it has none of these bits. */
export function whenNoBit(bits: number, block: readonly Instruction[]): Instruction[] {
  return [[JUMP_ANY_BIT, skip(block), 0, bits], ...block];
}

function skip(block: readonly Instruction[]): number {
  if (block.length > 255) throw new Error(`a block of ${block.length} cannot be jumped over`);
  return block.length;
}

/** The bytes that the kernel reads: 8 per instruction, little-endian. */
export function assemble(program: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(program.length * 8));
  program.forEach(([code, yes, no, value], index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, yes);
    view.setUint8(index * 8 + 3, no);
    view.setUint32(index * 8 + 4, value, true);
  });
  return new Uint8Array(view.buffer);
}
