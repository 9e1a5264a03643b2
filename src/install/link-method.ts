import { constants, copyFileSync, linkSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import type { InstallOptions } from "./options.ts";

/** How files come from the store into a tree. */
export type LinkMethod = "reflink" | "hardlink" | "copy";

/** Whether files may be linked at all: not for root unasked, whom read-only objects would not keep from changing the store through the tree. */
export function mayLink({ link }: Pick<InstallOptions, "link">): boolean {
  return link === "hardlink" || (link === "auto" && process.getuid?.() !== 0);
}

/** What was found between two disks, for as long as the process runs. */
const probed = new Map<string, LinkMethod>();

/** The method that is wished for where it works between store and folder, else copy; for `auto` the best that works. */
export function methodFor(
  wish: InstallOptions["link"],
  sample: string,
  folder: string,
): LinkMethod {
  if (wish === "copy") return "copy";
  const key = `${wish} ${deviceOf(sample)} ${deviceOf(folder)}`;
  const known = probed.get(key);
  if (known) return known;
  const found = probeLinks(sample, folder, process.getuid?.() === 0, wish);
  // Where the sample is lost, nothing was found out.
  if (deviceOf(sample) !== undefined) probed.set(key, found);
  return found;
}

function deviceOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.dev;
}

/**
 * Which method works between the store and `folder`, tried with the file `sample`: reflink; else hardlink, but not for
 * root, whom read-only objects would not keep from changing the store through the tree; else copy. With a wish, that one
 * alone is tried, hardlinks for root too.
 */
export function probeLinks(
  sample: string,
  folder: string,
  isRoot: boolean,
  wish: "auto" | "reflink" | "hardlink" = "auto",
): LinkMethod {
  const target = join(folder, "probe");
  const works = (link: () => void): boolean => {
    try {
      link();
      return true;
    } catch {
      return false; // Not on this file system, or across two.
    } finally {
      rmSync(target, { force: true });
    }
  };
  const reflink = (): void => copyFileSync(sample, target, constants.COPYFILE_FICLONE_FORCE);
  if (wish !== "hardlink" && works(reflink)) return "reflink";
  const isAllowed = wish === "hardlink" || (wish === "auto" && !isRoot);
  return isAllowed && works(() => linkSync(sample, target)) ? "hardlink" : "copy";
}
