import { expect, test } from "bun:test";

import {
  type Arch,
  AUDIT,
  type CallName,
  HIGHEST,
  numberOf,
  numbersIn,
} from "../../src/runtime/sandbox/arch.ts";
import { assemble, type Instruction } from "../../src/runtime/sandbox/bpf.ts";
import { launchFilter, sealFilter } from "../../src/runtime/sandbox/filter.ts";
import { filesHandled, RIGHTS } from "../../src/runtime/sandbox/landlock.ts";
import { ALLOWED } from "../../src/runtime/sandbox/numbers-allowed.ts";
import { JUDGED, REFUSED } from "../../src/runtime/sandbox/numbers.ts";
import { judgeAbi } from "../../src/runtime/sandbox/support.ts";

const ARCHES: Arch[] = ["x64", "arm64"];
const PID = 4711;
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x50001;
const ENOTTY = 0x50019;
const ENOSYS = 0x50026;
const EOPNOTSUPP = 0x5005f;

type Data = { number: number; arch?: number; args?: number[] };

/** Runs a filter as the kernel does. */
function run(program: readonly Instruction[], { number, arch, args = [] }: Data, on: Arch): number {
  let word = 0;
  for (let at = 0; at < program.length; at++) {
    const [code, yes, no, value] = program[at] ?? [0, 0, 0, 0];
    if (code === 0x20) {
      if (value === 0) word = number >>> 0;
      else if (value === 4) word = arch ?? AUDIT[on];
      else word = (args[(value - 16) / 8] ?? 0) >>> 0;
    } else if (code === 0x15) at += word === value ? yes : no;
    else if (code === 0x35) at += word >= value ? yes : no;
    else if (code === 0x45) at += (word & value) === 0 ? no : yes;
    else if (code === 0x06) return value;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error("the filter has no end");
}

const launched = (on: Arch, name: CallName, args: number[] = []): number =>
  run(launchFilter(on, PID), { number: numberOf(on, name), args }, on);

test.each(ARCHES)("%s: each number is of one call, and none is above the highest", (arch) => {
  const numbers = [ALLOWED, JUDGED, REFUSED].flatMap((table) => numbersIn(arch, table));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(Math.max(...numbers)).toBeLessThanOrEqual(HIGHEST);
});

test("the numbers are those of the kernel", () => {
  const known = {
    read: [0, 63],
    clone: [56, 220],
    execve: [59, 221],
    mmap: [9, 222],
    prctl: [157, 167],
    kill: [62, 129],
    ptrace: [101, 117],
    openat: [257, 56],
    socket: [41, 198],
    connect: [42, 203],
    seccomp: [317, 277],
    bpf: [321, 280],
    userfaultfd: [323, 282],
    keyctl: [250, 219],
    statx: [332, 291],
    io_uring_setup: [425, 425],
    clone3: [435, 435],
    setresuid: [117, 147],
    prlimit64: [302, 261],
    landlock_create_ruleset: [444, 444],
  } as const;
  for (const name of [
    "read",
    "clone",
    "execve",
    "mmap",
    "prctl",
    "kill",
    "ptrace",
    "openat",
    "socket",
    "connect",
    "seccomp",
    "bpf",
    "userfaultfd",
    "keyctl",
    "statx",
    "io_uring_setup",
    "clone3",
    "setresuid",
    "prlimit64",
    "landlock_create_ruleset",
  ] as const)
    expect([name, numberOf("x64", name), numberOf("arm64", name)]).toEqual([name, ...known[name]]);
});

test.each(ARCHES)("%s: jumps stay inside, and the kernel takes the length", (arch) => {
  for (const program of [launchFilter(arch, PID), sealFilter(arch)]) {
    expect(program.length).toBeLessThanOrEqual(4096);
    expect(assemble(program)).toHaveLength(program.length * 8);
    program.forEach(([code, yes, no], at) => {
      for (const jump of [yes, no]) {
        expect(jump).toBeLessThanOrEqual(255);
        expect(at + 1 + jump).toBeLessThan(program.length + (code === 0x06 ? 1 : 0));
      }
    });
    expect(program.at(-1)?.[0]).toBe(0x06);
  }
});

test.each(ARCHES)("%s: what is in no list is refused, and what is newer is unknown", (arch) => {
  const filter = launchFilter(arch, PID);
  const known = new Set([ALLOWED, JUDGED].flatMap((table) => numbersIn(arch, table)));
  for (let number = 0; number <= HIGHEST; number++) {
    if (known.has(number)) continue;
    expect(run(filter, { number }, arch)).toBe(EPERM);
  }
  for (const number of [HIGHEST + 1, 1000, 0x3fffffff])
    expect(run(filter, { number }, arch)).toBe(ENOSYS);
  for (const number of numbersIn(arch, ALLOWED)) expect(run(filter, { number }, arch)).toBe(ALLOW);
  for (const number of numbersIn(arch, REFUSED)) expect(run(filter, { number }, arch)).toBe(EPERM);
});

test.each(ARCHES)("%s: a foreign architecture is death", (arch) => {
  for (const filter of [launchFilter(arch, PID), sealFilter(arch)]) {
    expect(run(filter, { number: 0, arch: 0x40000003 }, arch)).toBe(KILL);
    expect(run(filter, { number: 0, arch: AUDIT[arch === "x64" ? "arm64" : "x64"] }, arch)).toBe(
      KILL,
    );
  }
});

test("x64: the numbers of x32 are death", () => {
  for (const number of [0x40000000, 0x40000000 + 59, 0xffffffff])
    for (const filter of [launchFilter("x64", PID), sealFilter("x64")])
      expect(run(filter, { number }, "x64")).toBe(KILL);
});

test.each(ARCHES)("%s: clone makes threads only", (arch) => {
  const thread = 0x3d0f00;
  expect(launched(arch, "clone", [thread])).toBe(ALLOW);
  expect(launched(arch, "clone", [17])).toBe(EPERM); // fork
  expect(launched(arch, "clone", [0x4111])).toBe(EPERM); // vfork
  for (const namespace of [
    0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
  ])
    expect(launched(arch, "clone", [thread | namespace])).toBe(EPERM);
  expect(launched(arch, "clone3", [0, 88])).toBe(ENOSYS);
});

test.each(ARCHES)("%s: arguments are judged", (arch) => {
  expect(launched(arch, "kill", [PID, 9])).toBe(ALLOW);
  for (const pid of [0, 1, -1, PID + 1, -PID]) expect(launched(arch, "kill", [pid, 9])).toBe(EPERM);
  expect(launched(arch, "tgkill", [PID, PID + 1, 10])).toBe(ALLOW);
  expect(launched(arch, "tgkill", [1, 1, 10])).toBe(EPERM);
  expect(launched(arch, "prlimit64", [0])).toBe(ALLOW);
  expect(launched(arch, "prlimit64", [1])).toBe(EPERM);
  expect(launched(arch, "fcntl", [0, 1030])).toBe(ALLOW);
  for (const command of [8, 10, 15, 1024, 1026, 1031, 1033])
    // owners, signals, leases, sizes, seals
    expect(launched(arch, "fcntl", [0, command])).toBe(EPERM);
  expect(launched(arch, "ioctl", [0, 0x5421])).toBe(ALLOW);
  expect(launched(arch, "ioctl", [0, 0x5412])).toBe(ENOTTY); // TIOCSTI
  expect(launched(arch, "prctl", [15])).toBe(ALLOW);
  for (const option of [1, 4, 22, 24, 38, 0x59616d61])
    // death signal, dumpable, seccomp, capabilities, ptracer
    expect(launched(arch, "prctl", [option])).toBe(EPERM);
  expect(launched(arch, "setsockopt", [3, 1, 26])).toBe(EOPNOTSUPP);
});

test.each(ARCHES)("%s: the second filter takes away the start of programs", (arch) => {
  for (const name of ["execve", "execveat", "seccomp"] as const) {
    expect(launched(arch, name)).toBe(ALLOW);
    expect(run(sealFilter(arch), { number: numberOf(arch, name) }, arch)).toBe(EPERM);
  }
  expect(run(sealFilter(arch), { number: numberOf(arch, "read") }, arch)).toBe(ALLOW);
});

test("Landlock handles every right that its version knows", () => {
  expect([1, 2, 3, 4, 5, 6, 7].map((abi) => filesHandled(abi).toString(16))).toEqual([
    "1fff",
    "3fff",
    "7fff",
    "7fff",
    "ffff",
    "ffff",
    "ffff",
  ]);
  // No rule gives execution with writing, nor devices, sockets, pipes and links.
  expect(RIGHTS.own & RIGHTS.run & 1).toBe(0);
  expect(RIGHTS.own & ((1 << 6) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 15))).toBe(
    0,
  );
});

test("a kernel that cannot confine is refused, with what to do", () => {
  expect(judgeAbi(0, false)).toContain("no Landlock");
  expect(judgeAbi(0, true)).toContain("no Landlock");
  expect(judgeAbi(5, false)).toContain("version 5");
  expect(judgeAbi(5, true)).toBeUndefined();
  expect(judgeAbi(6, false)).toBeUndefined();
});
