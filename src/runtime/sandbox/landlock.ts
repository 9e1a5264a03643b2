import { openSyscalls, type Syscall } from "./libc.ts";
import { createSlot, type Filled, type Slot, type Step, wordsOf } from "./steps.ts";

/** Rights to files, by the bits of the kernel. @see linux/landlock.h */
const EXECUTE = 1 << 0;
const WRITE_FILE = 1 << 1;
const READ_FILE = 1 << 2;
const READ_DIR = 1 << 3;
const REMOVE_DIR = 1 << 4;
const REMOVE_FILE = 1 << 5;
const MAKE_DIR = 1 << 7;
const MAKE_REG = 1 << 8;
const REFER = 1 << 13;
const TRUNCATE = 1 << 14;

/** What a rule gives. A folder that may be written holds plain files and folders only: no links, no pipes, no programs. */
export const RIGHTS = {
  read: READ_FILE,
  run: READ_FILE | EXECUTE,
  readFolder: READ_FILE | READ_DIR,
  readWrite: READ_FILE | WRITE_FILE,
  own:
    WRITE_FILE |
    READ_FILE |
    READ_DIR |
    REMOVE_DIR |
    REMOVE_FILE |
    MAKE_DIR |
    MAKE_REG |
    REFER |
    TRUNCATE,
} as const;

/** One rule: a path and what may be done with it and what is below. */
export type Rule = { path: string; rights: number };

const VERSION_FLAG = 1;
const RULE_PATH_BENEATH = 1;
const O_PATH_CLOEXEC = 0x280000;
const AT_FDCWD = -100;

/** All rights to files that a version knows: whatever no rule gives is refused. */
export function filesHandled(abi: number): number {
  return (1 << (abi >= 5 ? 16 : abi >= 3 ? 15 : abi === 2 ? 14 : 13)) - 1;
}

/** The kernel's version of Landlock; 0 where there is none. */
export function landlockAbi(syscall: Syscall = openSyscalls()): number {
  return Math.max(0, syscall("landlock_create_ruleset", 0, 0, VERSION_FLAG));
}

/**
 * Confines the calling thread, and what it starts, to the rules: no other file is opened, no TCP port bound or connected (version 4), no
 * process outside signalled, no abstract socket outside connected (version 6). Rules of paths that are not there are left out.
 */
export function landlockSteps(abi: number, rules: readonly Rule[]): Step[] {
  const handled = filesHandled(abi);
  const ruleset = createSlot();
  const attributes = wordsOf([handled, abi >= 4 ? 3 : 0, abi >= 6 ? 3 : 0]);
  return [
    {
      what: "landlock_create_ruleset",
      call: "landlock_create_ruleset",
      args: [attributes, attributes.length, 0],
      keep: ruleset,
    },
    ...rules.flatMap(({ path, rights }) => ruleSteps(ruleset, path, rights & handled)),
    { what: "landlock_restrict_self", call: "landlock_restrict_self", args: [ruleset, 0] },
  ];
}

function ruleSteps(ruleset: Slot, path: string, rights: number): Step[] {
  const from = createSlot();
  const rule: Filled = { kind: "filled", bytes: wordsOf([rights, 0]), at: [8], from };
  return [
    {
      what: `open of "${path}"`,
      call: "openat",
      args: [AT_FDCWD, path, O_PATH_CLOEXEC, 0],
      keep: from,
      may: "fail",
      skip: 1,
    },
    {
      what: `landlock_add_rule for "${path}"`,
      call: "landlock_add_rule",
      args: [ruleset, RULE_PATH_BENEATH, rule, 0],
    },
  ];
}
