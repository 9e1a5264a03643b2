import type { Look } from "./files.ts";
import { projectFolder } from "./program.ts";

/** Where a guest finds what it needs: absolute paths, as it sees them. */
export type Place = {
  binary: string;
  /** Arguments before the entry: the script, when run from source. */
  script: readonly string[];
  /** The checkout with the script. */
  project: string | null;
  libraries: readonly string[];
  /** The folder that may be written. */
  site: string | null;
  readOnly: boolean;
};

/** The C library and its kin, that Bun's runtime is linked with. A server may have loaded more, which is no business of a guest. */
const NEEDED = /\/(?:ld(?:64)?[-.][^/]*|lib(?:c|m|dl|pthread|rt|gcc_s|stdc\+\+)[-.][^/]*)$/;

/** Everything as it lies on the machine. `binary`: without links on the way; `script`: what stands between it and the entry. */
export function hostPlace(
  files: Look,
  given: { binary: string; script: readonly string[]; site: string | null; readOnly: boolean },
): Place {
  return {
    ...given,
    project: given.script.length === 0 ? null : projectFolder(),
    libraries: mappedLibraries(files),
  };
}

function mappedLibraries(files: Look): string[] {
  const lines = files.read("/proc/self/maps").matchAll(/^\S+ r-xp .*? (\/.*?)(?: \(deleted\))?$/gm);
  return [...new Set([...lines].map(([, path = ""]) => path))].filter((path) => NEEDED.test(path));
}
