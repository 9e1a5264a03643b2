import { readdirSync } from "node:fs";

/** Ids of the threads of a process; none where it has ended. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
