import { ptr, read } from "bun:ffi";

import { openCLibrary } from "#base/c-library.ts";

import { archOf, type CallName, numberOf } from "./arch.ts";

/** An argument: a number, the address of bytes, or text (which gets its NUL). */
export type Argument = number | bigint | Uint8Array | BigUint64Array | string;

/** Makes a system call by its name: its result, or minus the error number. */
export type Syscall = (name: CallName, ...args: Argument[]) => number;

/** Error numbers that are told apart here; the same on x64 and arm64. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EACCES: 13,
  EINVAL: 22,
  ENOTTY: 25,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
} as const;

const WORD = "i64";

/** All that a kernel was ever told the address of: what moved or was freed would be read as something else. */
const kept: Uint8Array[] = [];

let cached: Syscall | undefined;

/** System calls of this process through the C library. */
export function openSyscalls(): Syscall {
  return (cached ??= makeSyscalls());
}

function makeSyscalls(): Syscall {
  const arch = archOf();
  if (arch === undefined) throw new Error(`no system calls known for ${process.arch}`);
  const { syscall, __errno_location: errnoAt } = openCLibrary({
    syscall: { args: [WORD, WORD, WORD, WORD, WORD, WORD, WORD], returns: WORD },
    __errno_location: { args: [], returns: "ptr" },
  });
  return (name, ...args) => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args.map((argument) => word(argument));
    const result = Number(syscall(numberOf(arch, name), a, b, c, d, e, f));
    if (result !== -1) return result;
    const at = errnoAt();
    return at === null ? -1 : -read.i32(at);
  };
}

function word(value: Argument): number | bigint {
  if (typeof value === "number" || typeof value === "bigint") return value;
  if (typeof value !== "string") return ptr(value);
  return ptr(keep(Buffer.from(`${value}\0`)));
}

function keep(bytes: Uint8Array): Uint8Array {
  kept.push(bytes);
  return bytes;
}

/** The addresses of texts and bytes with a null behind them, as `execve` takes its arguments. */
export function pointersTo(values: readonly (string | Uint8Array)[]): BigUint64Array {
  const addresses = values.map((value) => word(typeof value === "string" ? value : keep(value)));
  return new BigUint64Array([...addresses.map(BigInt), 0n]);
}
