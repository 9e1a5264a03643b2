import { type Arch, numberOf } from "./arch.ts";
import { codeFor } from "./code.ts";
import type { Filled, Slot, Step, Value } from "./steps.ts";

/** Where the code and the data of the program are in its memory; the code knows the latter. */
const CODE_AT = 0x400000;
const DATA_AT = 0x600000;
/** Files are mapped by pages, which may be so large. */
const PAGE_BYTES = { x64: 4096, arm64: 65_536 } as const;
const MACHINE = { x64: 62, arm64: 183 } as const;
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SEGMENT = { load: 1, stack: 0x6474e551 } as const;
const MAY = { read: 4, write: 2, run: 1 } as const;

/**
 * An entry of the table, in words of 64 bits: the number of the call and six arguments; all that it may answer (-1: anything but an
 * error); the error that is none (0: none, -1: any) and how many bytes are then passed over; the address of a list of addresses that
 * get the answer, as 32 bits (0: no list; it ends with a 0); the address of the message and its length.
 */
const ENTRY = {
  answer: 7,
  may: 8,
  skip: 9,
  keep: 10,
  message: 11,
  length: 12,
  bytes: 104,
} as const;
const ANY = -1;

/** An ELF file that makes the calls and ends in the last one: `data` comes at `dataAt`, with nothing between. */
export type Image = {
  head: Uint8Array;
  data: Uint8Array;
  dataAt: number;
  /** Puts a value into `data` wherever it belongs, for one that no call gives. */
  fill: (slot: Slot) => void;
};

/** Lays it out. What is told of a failure begins with `told`. */
export function imageOf(arch: Arch, steps: readonly Step[], told: string): Image {
  const { data, places } = encodeTable(arch, steps, told);
  const code = codeFor(arch);
  const dataAt = PAGE_BYTES[arch];
  const head = new Uint8Array(HEADER_BYTES + 3 * SEGMENT_BYTES + code.length);
  const codeAt = head.length - code.length;
  head.set(code, codeAt);
  const view = new DataView(head.buffer);
  // 64 bits, little-endian, version 1; an executable.
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, MACHINE[arch], true);
  view.setUint32(20, 1, true);
  view.setUint32(24, CODE_AT + codeAt, true);
  view.setUint32(32, HEADER_BYTES, true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, SEGMENT_BYTES, true);
  view.setUint16(56, 3, true);
  const segments = [
    [SEGMENT.load, MAY.read | MAY.run, 0, CODE_AT, head.length],
    [SEGMENT.load, MAY.read | MAY.write, dataAt, DATA_AT, data.length],
    [SEGMENT.stack, MAY.read | MAY.write, 0, 0, 0],
  ] as const;
  for (const [index, [type, flags, from, at, length]] of segments.entries()) {
    const start = HEADER_BYTES + index * SEGMENT_BYTES;
    view.setUint32(start, type, true);
    view.setUint32(start + 4, flags, true);
    for (const [field, value] of [from, at, at, length, length, dataAt].entries())
      view.setUint32(start + 8 + 8 * field, value, true);
  }
  const fill = (slot: Slot): void => {
    const filled = new DataView(data.buffer);
    for (const address of places.get(slot) ?? [])
      filled.setUint32(address - DATA_AT, slot.value, true);
  };
  return { head, data, dataAt, fill };
}

/** Bytes that grow, at `DATA_AT`. */
type Memory = {
  /** Puts bytes behind all others, at a multiple of 8, and answers their address. */
  add: (bytes: Uint8Array) => number;
  /** Writes a word of 64 bits at an address. */
  set: (address: number, value: number) => void;
  bytes: () => Uint8Array;
};

function createMemory(usedBytes: number): Memory {
  let buffer = new Uint8Array(2 * usedBytes);
  let view = new DataView(buffer.buffer);
  let used = usedBytes;
  return {
    add(bytes) {
      const at = used;
      used = (at + bytes.length + 7) & ~7;
      if (used > buffer.length) {
        const larger = new Uint8Array(2 * used);
        larger.set(buffer);
        buffer = larger;
        view = new DataView(buffer.buffer);
      }
      buffer.set(bytes, at);
      return DATA_AT + at;
    },
    set(address, value) {
      view.setUint32(address - DATA_AT, value, true);
      view.setUint32(address - DATA_AT + 4, value < 0 ? 0xffffffff : 0, true);
    },
    bytes: () => buffer.subarray(0, used),
  };
}

/** `places`: the addresses at which answers are wanted. */
function encodeTable(
  arch: Arch,
  steps: readonly Step[],
  told: string,
): { data: Uint8Array; places: ReadonlyMap<Slot, readonly number[]> } {
  const memory = createMemory(steps.length * ENTRY.bytes);
  const places = new Map<Slot, number[]>();
  const use = (slot: Slot, address: number): number => {
    const known = places.get(slot);
    if (known) known.push(address);
    else places.set(slot, [address]);
    return 0;
  };
  for (const [index, step] of steps.entries()) {
    const word = (field: number): number => DATA_AT + index * ENTRY.bytes + 8 * field;
    const { answer = ANY, may = 0, skip = 0 } = step;
    memory.set(word(0), numberOf(arch, step.call));
    for (const [at, value] of step.args.entries())
      memory.set(
        word(1 + at),
        encodeValue(memory, value, (slot) => use(slot, word(1 + at)), use),
      );
    memory.set(
      word(ENTRY.answer),
      typeof answer === "number" ? answer : use(answer, word(ENTRY.answer)),
    );
    memory.set(word(ENTRY.may), may === "fail" ? ANY : may);
    memory.set(word(ENTRY.skip), skip * ENTRY.bytes);
    const message = Buffer.from(`${told}${step.what} failed with `);
    memory.set(word(ENTRY.message), memory.add(message));
    memory.set(word(ENTRY.length), message.length);
  }
  for (const [index, { keep }] of steps.entries()) {
    const addresses = keep && places.get(keep);
    const keepAt = DATA_AT + index * ENTRY.bytes + 8 * ENTRY.keep;
    if (addresses) memory.set(keepAt, memory.add(bytesOf([...addresses, 0])));
  }
  return { data: memory.bytes(), places };
}

/** The word of an argument. `useHere`: the answer goes into that word; `use`: at an address. */
function encodeValue(
  memory: Memory,
  value: Value,
  useHere: (slot: Slot) => number,
  use: (slot: Slot, address: number) => number,
): number {
  if (typeof value === "number") return value;
  if (typeof value === "string") return memory.add(Buffer.from(`${value}\0`));
  if (value instanceof Uint8Array) return memory.add(value);
  if (value.kind === "slot") return useHere(value);
  if (value.kind === "filled") return addFilled(memory, value, use);
  if (value.kind === "texts") {
    const texts = value.texts.map((text) => memory.add(Buffer.from(`${text}\0`)));
    return memory.add(bytesOf([...texts, 0].flatMap((address) => [address, 0])));
  }
  const code = addFilled(memory, value.code, use);
  return memory.add(bytesOf([value.code.bytes.length / 8, 0, code, 0]));
}

function addFilled(
  memory: Memory,
  { bytes, at, from }: Filled,
  use: (slot: Slot, address: number) => number,
): number {
  const address = memory.add(bytes);
  for (const offset of at) use(from, address + offset);
  return address;
}

/** Words of 32 bits as they lie in memory. */
function bytesOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(words).buffer);
}
