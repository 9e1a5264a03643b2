import { lstatSync } from "node:fs";

import { stampOf } from "#pack/site-stamp.ts";

/** Files that something was made of, as they were when they were read. */
export type Inputs = {
  /** To be called before the file is read: what changes after that is noticed. It may be missing. */
  note: (path: string) => void;
  /** Those that are not what they were. */
  changed: () => string[];
  paths: () => string[];
};

/** Makes it, knowing none. Paths are absolute. */
export function createInputs(): Inputs {
  const stamps = new Map<string, string>();
  return {
    note(path) {
      if (!stamps.has(path)) stamps.set(path, stampOfFile(path));
    },
    changed: () =>
      [...stamps].flatMap(([path, stamp]) => (stampOfFile(path) === stamp ? [] : path)),
    paths: () => [...stamps.keys()],
  };
}

/** What tells a file from the same one after a change; "" where there is none. */
export function stampOfFile(path: string): string {
  try {
    return stampOf(lstatSync(path, { bigint: true })).stamp;
  } catch {
    return "";
  }
}
