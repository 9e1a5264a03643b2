import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { errorCode } from "#store/files.ts";

function pathOf(landHome: string): string {
  return join(landHome, "cache", "changed");
}

/** Notes that this machine changes something at a registry: nothing that one told before is believed without asking again. */
export function noteChange(landHome: string, now: Date): void {
  const path = pathOf(landHome);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, now.toISOString());
  } catch {
    // Where nothing can be written, nothing is remembered either.
  }
}

/** Whether this machine changed something at a registry since then, or may have. */
export function changedSince(landHome: string, momentMs: number): boolean {
  try {
    return !(Date.parse(readFileSync(pathOf(landHome), "utf8")) < momentMs);
  } catch (cause) {
    return errorCode(cause) !== "ENOENT";
  }
}
