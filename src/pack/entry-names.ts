import { brief } from "#base/brief.ts";
import { printable } from "#base/names.ts";

import type { ArchiveLimits } from "./limits.ts";
import { foldPath } from "./paths.ts";

/** Why an entry cannot stand beside those before it. `tooLarge` where it is for their number. */
export type NameClash = { problem: string; tooLarge?: true };

type Seen = { path: string; kind: "file" | "folder" | "implied" };

/**
 * Remembers the paths of one archive and finds two that some file system takes for one: equal after folding, or a file
 * that is also the folder of another. Folders that paths imply are counted, so that deep paths cannot fill the memory.
 */
export function createEntryNames(limits: ArchiveLimits): {
  add: (path: string, kind: "file" | "folder") => NameClash | undefined;
} {
  const seen = new Map<string, Seen>();
  let entries = 0;
  let implied = 0;
  let lastFolder = "";

  function addFolders(path: string): NameClash | undefined {
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (folder === lastFolder) return undefined;
    for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
      const parent = path.slice(0, end);
      const fold = foldPath(parent);
      const known = seen.get(fold);
      if (known === undefined) {
        if (++implied > limits.entries)
          return { problem: `lies in more than ${limits.entries} folders`, tooLarge: true };
        seen.set(fold, { path: parent, kind: "implied" });
      } else if (known.kind === "file")
        return { problem: `lies in "${printable(parent)}", which is a file` };
      else if (known.path !== parent) return sameAs(known.path);
    }
    lastFolder = folder;
    return undefined;
  }

  const names: ReturnType<typeof createEntryNames> = {
    add(path, kind) {
      if (++entries > limits.entries)
        return { problem: `comes after ${limits.entries} entries, the limit`, tooLarge: true };
      const clash = addFolders(path);
      if (clash !== undefined) return clash;
      const fold = foldPath(path);
      const known = seen.get(fold);
      if (known !== undefined && (known.kind !== "implied" || known.path !== path))
        return known.path === path ? { problem: "stands twice" } : sameAs(known.path);
      if (known !== undefined && kind === "file")
        return { problem: "is a file, but other entries lie in it" };
      seen.set(fold, { path, kind });
      return undefined;
    },
  };
  brief(addFolders, names.add);
  return names;
}

function sameAs(path: string): NameClash {
  return { problem: `is the same as "${printable(path)}" where case or Unicode form do not count` };
}
