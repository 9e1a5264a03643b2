import { ptr } from "bun:ffi";
import { closeSync, realpathSync, writeSync } from "node:fs";

import { openCLibrary } from "#base/c-library.ts";

import { archOf } from "./arch.ts";
import { askLimit, confineSteps, fillUid, type Machine } from "./confine.ts";
import { type Look, lookByNode } from "./files.ts";
import { type Image, imageOf } from "./image.ts";
import { landlockAbi } from "./landlock.ts";
import { openSyscalls } from "./libc.ts";
import { giveAway } from "./own.ts";
import { hostPlace } from "./place.ts";
import type { LaunchPlan } from "./plan.ts";
import { createSlot, type Slot } from "./steps.ts";
import { judgeAbi } from "./support.ts";

/** A program made for one start. */
export type Direct = {
  /** Names it for this process, and for one that it starts. */
  path: string;
  /** To be called once that has begun. */
  close: () => void;
};

const CLOSE_ON_EXEC = 1;
const MAY_BE_RUN = 0x10;
const F_DUPFD_CLOEXEC = 1030;
/** Beyond all descriptors that a guest is given: its own would take their place before the program is started. */
const LEAST_DESCRIPTOR = 64;

/**
 * Makes programs that confine themselves as a plan says and become `land __guest`: the calls that `land __sandbox` makes, in a file in
 * memory that does nothing else, without the 12 ms in which the whole of `land` starts. `command` is how `land` is started. Undefined
 * where this cannot be had; it throws where a plan cannot be: `land __sandbox` finds out why.
 */
export function createDirect(command: readonly string[]): (plan: LaunchPlan) => Direct | undefined {
  const files = lookByNode();
  const made = new Map<string, Template>();
  let ask: ((plan: LaunchPlan, binary: string) => Machine) | undefined;
  function templateOf(plan: LaunchPlan): Template {
    // An upgrade may have put another in its place.
    const binary = realpathSync(command[0] ?? "");
    const key = JSON.stringify([binary, { ...plan, uid: plan.uid !== null }]);
    let template = made.get(key);
    if (template) return template;
    ask ??= createMachine(command, files);
    const machine = ask(plan, binary);
    const lacking = judgeAbi(machine.abi, plan.uid !== null);
    if (lacking !== undefined) throw new Error(lacking);
    const uid = createSlot();
    const image = imageOf(machine.arch, confineSteps(plan, machine, uid), PROBLEM);
    template = { image, uid };
    if (made.size >= MOST_TEMPLATES) made.clear();
    made.set(key, template);
    return template;
  }
  return (plan) => {
    if (process.platform !== "linux" || archOf() === undefined) return undefined;
    const { image, uid } = templateOf(plan);
    fillUid(uid, plan);
    if (plan.uid !== null && plan.writable !== null)
      giveAway(openSyscalls(), files, plan.writable, plan.uid);
    image.fill(uid);
    return putIntoMemory(image);
  };
}

/** What was made for one plan is good for all that differ in their uid alone, as those of a pool do. */
type Template = { image: Image; uid: Slot };

const PROBLEM = "Cannot confine a program: ";
/** Of 50 kB each. */
const MOST_TEMPLATES = 64;

/** What does not change while a server runs is asked once. */
function createMachine(
  [, ...script]: readonly string[],
  files: Look,
): (plan: LaunchPlan, binary: string) => Machine {
  const arch = archOf();
  if (arch === undefined) throw new Error(`no filter for ${process.arch}`);
  const syscall = openSyscalls();
  const abi = landlockAbi(syscall);
  const ask = askLimit(syscall);
  const limits = new Map<number, number>();
  const mostOf = (resource: number): number => {
    const most = limits.get(resource) ?? ask(resource);
    limits.set(resource, most);
    return most;
  };
  const host = hostPlace(files, { binary: "", script, site: null, readOnly: false });
  return ({ writable: site, readOnly }, binary) => ({
    arch,
    abi,
    host: { ...host, binary, site, readOnly },
    files,
    mostOf,
  });
}

let library: ReturnType<typeof openLibrary> | undefined;

function openLibrary() {
  return openCLibrary({
    memfd_create: { args: ["ptr", "u32"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
  });
}

function putIntoMemory({ head, data, dataAt }: Image): Direct | undefined {
  const { memfd_create, fcntl } = (library ??= openLibrary());
  const name = Buffer.from("land\0");
  let made = memfd_create(ptr(name), CLOSE_ON_EXEC | MAY_BE_RUN);
  // Before Linux 6.3 nobody had to say so.
  if (made < 0) made = memfd_create(ptr(name), CLOSE_ON_EXEC);
  if (made < 0) return undefined;
  const file = fcntl(made, F_DUPFD_CLOEXEC, LEAST_DESCRIPTOR);
  closeSync(made);
  if (file < 0) return undefined;
  try {
    writeSync(file, head, 0, head.length, 0);
    writeSync(file, data, 0, data.length, dataAt);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return { path: `/proc/self/fd/${file}`, close: () => closeSync(file) };
}
