import { ALLOWED } from "./numbers-allowed.ts";
import { JUDGED, REFUSED } from "./numbers.ts";

/** A processor that programs can be confined on. */
export type Arch = "x64" | "arm64";

/** Numbers of system calls by name, `[x64, arm64]`; -1 where an architecture has none. */
export type Numbers = Readonly<Record<string, readonly [number, number]>>;

/** A system call that is in one of the tables. */
export type CallName = keyof typeof ALLOWED | keyof typeof JUDGED | keyof typeof REFUSED;

/** `AUDIT_ARCH_…`, by which a filter knows whose numbers it sees. */
export const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;

/** From here on the kernel of x64 sees calls of the x32 ABI, which have numbers of their own. */
export const X32_BIT = 0x40000000;

/** Highest number that these tables were made with (file_setattr, Linux 6.17). What comes later nobody has judged. */
export const HIGHEST = 469;

const ALL: Readonly<Record<CallName, readonly [number, number]>> = {
  ...ALLOWED,
  ...JUDGED,
  ...REFUSED,
};

/** The architecture of a process; undefined where nothing can be confined. */
export function archOf(name: string = process.arch): Arch | undefined {
  return name === "x64" || name === "arm64" ? name : undefined;
}

/** The number of a call; -1 where the architecture has none. */
export function numberOf(arch: Arch, name: CallName): number {
  return ALL[name][arch === "x64" ? 0 : 1];
}

/** Numbers of all calls of a table, ascending. */
export function numbersIn(arch: Arch, table: Numbers): number[] {
  return Object.values(table)
    .map(([x64, arm64]) => (arch === "x64" ? x64 : arm64))
    .filter((number) => number >= 0)
    .toSorted((a, b) => a - b);
}
