import { noFTL } from "bun:jsc";

/**
 * Has functions that a command calls some thousand times compiled well, but never by the slowest of the compilers: that one takes
 * milliseconds for each, on a processor that is needed for the work itself, and the command ends before they came back.
 */
export function brief(...functions: readonly ((...args: never[]) => unknown)[]): void {
  for (const each of functions) noFTL(each);
}
