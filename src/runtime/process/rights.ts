import { readFileSync } from "node:fs";

import { mayChangeUser } from "../sandbox/support.ts";

const CAP_SYS_NICE = 23n;

/** Whether the kernel lets us make processes of others more urgent. */
export function mayRaise(): boolean {
  try {
    const [, rights = "0"] =
      /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
    return ((BigInt(`0x${rights}`) >> CAP_SYS_NICE) & 1n) === 1n;
  } catch {
    return false;
  }
}

/**
 * Whether it lets us say where processes of programs compute, and how urgent they are: they are our user's, or we may for all users.
 * A container's root may not, and its programs are other users a moment after they were started: what was said by then would stay.
 */
export function mayPlace(): boolean {
  return mayRaise() || !mayChangeUser();
}
