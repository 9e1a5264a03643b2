import type { CallName } from "./arch.ts";
import { type Argument, pointersTo, type Syscall } from "./libc.ts";

/** What a call answers, for those that come after it. */
export type Slot = { kind: "slot"; value: number };
/** Bytes with an answer in them: as 32 bits at each of these offsets, which are multiples of four. */
export type Filled = { kind: "filled"; bytes: Uint8Array; at: readonly number[]; from: Slot };
/** The addresses of texts with a null behind them, as `execve` takes its arguments. */
export type Texts = { kind: "texts"; texts: readonly string[] };
/** A filter as `seccomp` takes it: how many instructions of 8 bytes, and where they are. */
export type Filter = { kind: "filter"; code: Filled };
/** An argument: a number, bytes or text (which gets its NUL) by their address, or one of the above. */
export type Value = number | string | Uint8Array | Slot | Filled | Texts | Filter;

/** One system call on the way into the sandbox. */
export type Step = {
  /** What is told where it fails, before "failed with" and the number of the error. */
  what: string;
  call: CallName;
  args: readonly Value[];
  /** All that it may answer. Where undefined: anything but an error. */
  answer?: number | Slot;
  /** Gets the answer. */
  keep?: Slot;
  /** The error that is none, or any; then so many steps after it are left out. */
  may?: number | "fail";
  skip?: number;
};

/** A place for an answer. */
export function createSlot(): Slot {
  return { kind: "slot", value: -1 };
}

/** Words of 64 bits as they lie in memory. They are below 2^53, and not negative. */
export function wordsOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(words.map(BigInt)).buffer);
}

/** Makes the calls one after another in this process, until one fails: answers which, or undefined. */
export function perform(syscall: Syscall, steps: readonly Step[]): string | undefined {
  for (let at = 0; at < steps.length; at += 1) {
    const step = steps[at];
    if (!step) break;
    const result = syscall(step.call, ...step.args.map(toArgument));
    const wanted = typeof step.answer === "object" ? step.answer.value : step.answer;
    if (result < 0 && (step.may === "fail" || step.may === -result)) at += step.skip ?? 0;
    else if (result < 0 || (wanted !== undefined && result !== wanted))
      return `${step.what} failed with ${Math.abs(result)}`;
    else if (step.keep) step.keep.value = result;
  }
  return undefined;
}

function toArgument(value: Value): Argument {
  if (typeof value !== "object" || value instanceof Uint8Array) return value;
  if (value.kind === "slot") return value.value;
  if (value.kind === "filled") return filled(value);
  if (value.kind === "texts") return pointersTo(value.texts);
  const code = filled(value.code);
  const [address = 0n] = pointersTo([code]);
  return new BigUint64Array([BigInt(code.length / 8), address]);
}

function filled({ bytes, at, from }: Filled): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const offset of at) view.setUint32(offset, from.value, true);
  return copy;
}
