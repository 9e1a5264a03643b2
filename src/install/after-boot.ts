import { lstatSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

import type { Digest, PackageName } from "#base/names.ts";

import { MARKER, type Placed } from "./marker.ts";
import type { InstallOptions } from "./options.ts";
import type { Tree } from "./tree.ts";

/** Names that a warning tells. */
const MAX_NAMED = 8;

/**
 * The tree as it is after what a loss of power may have done to it: files of a tree are not brought to the disk one by one, so that
 * some may be empty though the marker tells of them. Where the marker is older than the running start of the machine, each file is
 * looked at once for whether it has its size; the marker is as new as that look from then on. What differs counts as not there,
 * and is told.
 *
 * Of packages that the store knows no more nothing can be said.
 *
 * @throws file_failed
 */
export async function lookAfterBoot(
  {
    landHome,
    bootedAt,
    dryRun,
    onEvent,
  }: Pick<InstallOptions, "landHome" | "bootedAt" | "dryRun" | "onEvent">,
  installDir: string,
  tree: Tree,
): Promise<Tree> {
  if (tree.kind !== "own" || tree.placed.size === 0) return tree;
  const marker = join(installDir, MARKER);
  const found = statSync(marker, { throwIfNoEntry: false });
  const began = bootedAt?.getTime() ?? (await bootMoment());
  if (!found || began === undefined || found.ctimeMs >= began) return tree;
  const torn = await tornIn(landHome, installDir, tree.placed);
  if (torn.size === 0) {
    if (!dryRun) touch(marker, found);
    return tree;
  }
  const named = [...torn].slice(0, MAX_NAMED).join(", ");
  const more = torn.size > MAX_NAMED ? ` and ${torn.size - MAX_NAMED} more` : "";
  const problem = `Since this machine was started anew, these packages are not as they were laid, and are laid again: ${named}${more}`;
  onEvent?.({ kind: "warn", problem });
  return { ...tree, placed: new Map([...tree.placed].filter(([name]) => !torn.has(name))) };
}

async function tornIn(
  landHome: string,
  installDir: string,
  placed: Placed,
): Promise<Set<PackageName>> {
  const [{ readStored }, { storePlaces }] = await Promise.all([
    import("./store.ts"),
    import("./store-places.ts"),
  ]);
  const places = storePlaces(landHome);
  const isTorn = (name: PackageName, digest: Digest): boolean =>
    readStored(places, digest)?.files.some(({ path, sizeBytes }) => {
      const file = lstatSync(join(installDir, name, path), { throwIfNoEntry: false });
      return !file?.isFile() || file.size !== sizeBytes;
    }) === true;
  const noBins = hasEmptyBin(join(installDir, ".bin"));
  const torn = new Set<PackageName>();
  for (const [name, { digest, bin }] of placed)
    if ((noBins && Object.keys(bin).length > 0) || isTorn(name, digest)) torn.add(name);
  return torn;
}

/** Commands are never empty. */
function hasEmptyBin(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => {
      const found = lstatSync(join(folder, name));
      return found.isFile() && found.size === 0;
    });
  } catch {
    return false; // There are none.
  }
}

/** Its content stays what it is: only the moment of the last change, which nobody can set, is another. */
function touch(path: string, { atime, mtime }: { atime: Date; mtime: Date }): void {
  try {
    utimesSync(path, atime, mtime);
  } catch {
    // Then the next install looks again.
  }
}

/** When the machine was started, in milliseconds since 1970 by the clock of its file systems; undefined where it does not tell. */
async function bootMoment(): Promise<number | undefined> {
  try {
    const seconds =
      process.platform === "linux"
        ? Number.parseFloat(readFileSync("/proc/uptime", "utf8"))
        : (await import("node:os")).uptime();
    return Number.isFinite(seconds) ? Date.now() - seconds * 1000 : undefined;
  } catch {
    return undefined;
  }
}
