import { ptr } from "bun:ffi";

import { type Arch, AUDIT, type CallName, HIGHEST, numberOf, numbersIn, X32_BIT } from "./arch.ts";
import {
  ACTION,
  answer,
  assemble,
  type Instruction,
  loadArch,
  loadArgument,
  loadNumber,
  unlessEqual,
  whenAnyBit,
  whenAtLeast,
  whenEqual,
  whenNoBit,
  whenWithin,
} from "./bpf.ts";
import { ERRNO, type Syscall } from "./libc.ts";
import { ALLOWED } from "./numbers-allowed.ts";
import type { Filled, Slot, Step } from "./steps.ts";

const allow = answer(ACTION.allow);
const refuse = answer(ACTION.error(ERRNO.EPERM));
const unknown = answer(ACTION.error(ERRNO.ENOSYS));

const CLONE_THREAD = 0x00010000;
/** `CLONE_NEWTIME`'s bit means something else to `clone`. The others make namespaces. */
const CLONE_NAMESPACES = 0x7e020000;

/** Commands of fcntl about the descriptor and its locks; none that sends signals, takes leases or grows pipes. */
const FCNTL = [0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1034];
/** FIONREAD, FIONBIO, FIOCLEX, FIONCLEX. Whether something is a terminal is answered by ENOTTY. */
const IOCTL = [0x541b, 0x5421, 0x5450, 0x5451];
/** PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_CAPBSET_READ, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS, PR_SET_VMA. */
const PRCTL = [2, 3, 15, 16, 21, 23, 39, 0x53564d41];

/** Refuses foreign architectures by death: their numbers mean other calls. Leaves the number loaded. */
function head(arch: Arch): Instruction[] {
  return [
    loadArch,
    ...unlessEqual(AUDIT[arch], [answer(ACTION.kill)]),
    loadNumber,
    ...(arch === "x64" ? whenAtLeast(X32_BIT, [answer(ACTION.kill)]) : []),
  ];
}

/** A call that is let through for these values of an argument only. */
function whenArgument(
  arch: Arch,
  name: CallName,
  index: number,
  values: readonly number[],
  otherwise: Instruction = refuse,
): Instruction[] {
  const judge = values.flatMap((value) => whenEqual(value, [allow]));
  return whenEqual(numberOf(arch, name), [loadArgument(index), ...judge, otherwise]);
}

/** Threads of this process, and nothing else that clone can make. */
function threadsOnly(arch: Arch): Instruction[] {
  return whenEqual(numberOf(arch, "clone"), [
    loadArgument(0),
    ...whenAnyBit(CLONE_NAMESPACES, [refuse]),
    ...whenNoBit(CLONE_THREAD, [refuse]),
    allow,
  ]);
}

const answerWith = (arch: Arch, names: readonly CallName[], action: Instruction): Instruction[] =>
  names.flatMap((name) => whenEqual(numberOf(arch, name), [action]));

/**
 * What the launcher puts on: only calls of the list, some only with certain arguments, and the second start. All else fails with EPERM; what is
 * newer than the list, clone3 and io_uring with ENOSYS, so that libraries take the older way. `pid` is the process itself.
 */
export function launchFilter(arch: Arch, pid: number): Instruction[] {
  return [
    ...head(arch),
    ...threadsOnly(arch),
    ...whenArgument(arch, "kill", 0, [pid]),
    ...whenArgument(arch, "tgkill", 0, [pid]),
    ...whenArgument(arch, "fcntl", 1, FCNTL),
    ...whenArgument(arch, "ioctl", 1, IOCTL, answer(ACTION.error(ERRNO.ENOTTY))),
    ...whenArgument(arch, "prctl", 0, PRCTL),
    ...whenArgument(arch, "prlimit64", 0, [0, pid]),
    ...answerWith(arch, ["setsockopt"], answer(ACTION.error(ERRNO.EOPNOTSUPP))),
    ...answerWith(
      arch,
      ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"],
      unknown,
    ),
    ...answerWith(arch, ["execve", "execveat", "seccomp"], allow),
    ...rangesOf(numbersIn(arch, ALLOWED)).flatMap(([from, to]) => whenWithin(from, to, [allow])),
    ...whenAtLeast(HIGHEST + 1, [unknown]),
    refuse,
  ];
}

/** What the guest adds before it takes code: no other program, and no further filter. */
export function sealFilter(arch: Arch): Instruction[] {
  return [...head(arch), ...answerWith(arch, ["execve", "execveat", "seccomp"], refuse), allow];
}

/** Neighbours of ascending numbers together. */
function rangesOf(numbers: readonly number[]): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === number) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

const SET_MODE_FILTER = 1;
const ALL_THREADS = 1;

/** Adds a filter to all threads; needs no_new_privs. Answers what failed, or undefined. */
export function addFilter(syscall: Syscall, program: readonly Instruction[]): string | undefined {
  const code = assemble(program);
  const given = new DataView(new ArrayBuffer(16));
  given.setUint16(0, program.length, true);
  given.setBigUint64(8, BigInt(ptr(code)), true);
  const result = syscall("seccomp", SET_MODE_FILTER, ALL_THREADS, new Uint8Array(given.buffer));
  // A positive result is the thread that could not follow.
  return result === 0 ? undefined : `seccomp failed with ${result}, of ${code.length} bytes`;
}

/** No process has it: what was left in a filter would match nothing. */
const NO_PID = 0x7fffffff;

/** Adds the launcher's filter to the calling thread, whose process is `pid`. */
export function filterStep(arch: Arch, pid: Slot): Step {
  const program = launchFilter(arch, NO_PID);
  const places = program.flatMap(([, , , value], at) => (value === NO_PID ? [8 * at + 4] : []));
  const code: Filled = { kind: "filled", bytes: assemble(program), at: places, from: pid };
  const args = [SET_MODE_FILTER, 0, { kind: "filter", code }] as const;
  return { what: "seccomp", call: "seccomp", args, answer: 0 };
}
