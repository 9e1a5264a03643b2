import { archOf } from "./arch.ts";
import { landlockAbi } from "./landlock.ts";

/** Lowest version of Landlock that confines signals and abstract sockets (Linux 6.12). */
const LEAST_ABI = 6;

/** Why this machine cannot confine programs; undefined where it can. Asks the kernel, changes nothing. */
export function findSandboxProblem(): string | undefined {
  if (process.platform !== "linux") return `it needs Linux, and this is ${process.platform}`;
  if (archOf() === undefined) return `it needs x64 or arm64, and this is ${process.arch}`;
  try {
    return judgeAbi(landlockAbi(), mayChangeUser());
  } catch (cause) {
    return `the kernel cannot be asked: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/**
 * What is wrong with a version of Landlock; 0 means that there is none. With a uid of its own a program is kept from the
 * processes and sockets of others by that, so the version may be lower.
 */
export function judgeAbi(abi: number, ownUid: boolean): string | undefined {
  if (abi === 0)
    return "the kernel has no Landlock, or it is not switched on (the parameter lsm= of the kernel must name landlock)";
  if (abi >= LEAST_ABI || ownUid) return undefined;
  return `the kernel has version ${abi} of Landlock and ${LEAST_ABI} is needed (Linux 6.12), or a server that runs as root`;
}

/** CAP_CHOWN, CAP_SETGID, CAP_SETUID and CAP_SETPCAP. */
const NEEDED = 0b1_1100_0001n;

let mayChange: boolean | undefined;

/** Whether this process can start others as other users: root, unless a container or systemd took that away. */
export function mayChangeUser(): boolean {
  return (mayChange ??= findCapabilities());
}

function findCapabilities(): boolean {
  if (process.platform !== "linux" || process.geteuid?.() !== 0) return false;
  // Not at the top: the launcher needs the rest of this file alone, and is started for every program.
  const { readFileSync } = process.getBuiltinModule("node:fs");
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return (BigInt(`0x${effective ?? "0"}`) & NEEDED) === NEEDED;
}
