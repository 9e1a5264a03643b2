import { readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";

import { printable } from "#base/names.ts";
import { errorCode } from "#store/files.ts";

import { binEntry, type BinOptions, landOfScript, type TreeBin } from "./bins.ts";
import { readFolder, type Seen, seenIfAny } from "./verify-folder.ts";
import type { PathProblem } from "./verify-package.ts";

/** What is wrong with a path of a tree, and the package it belongs to; "" where that is none. */
export type TreeProblem = PathProblem & { package: string };

/** What is as it may be, and worth knowing: the end of a sentence about the path. */
export type TreeNote = { package: string; path: string; note: string };

/** What was found in `.bin`. */
export type ComparedBins = { problems: TreeProblem[]; notes: TreeNote[] };

/** Where commands stand in a tree. */
const BIN = ".bin";

/** Paths in it are long at most twice. */
const MAX_SCRIPT_BYTES = 65_536;

/**
 * Compares `.bin` in an install folder with the commands that belong there. Paths are relative to that folder. A command that
 * another land runs, which nobody but its owner or root can have put there, is noted.
 */
export function compareBins(
  installDir: string,
  bins: readonly TreeBin[],
  options: BinOptions,
): ComparedBins {
  const folder = join(installDir, BIN);
  const there = seenIfAny(folder);
  if (there && there.kind !== "folder") {
    const problem = there.kind === "link" ? "is a link where a folder belongs" : "is no folder";
    return { problems: [{ package: "", path: BIN, problem }], notes: [] };
  }
  const seen = there ? readFolder(folder) : new Map<string, Seen>();
  const problems: TreeProblem[] = [];
  const notes: TreeNote[] = [];
  const known = new Set<string>();
  for (const bin of bins) {
    const entry = binEntry(bin, options);
    known.add(entry.file);
    const about = { package: bin.package, path: `${BIN}/${entry.file}` };
    const found = findingOf(join(folder, entry.file), bin, options, seen.get(entry.file));
    if (typeof found === "string") problems.push({ ...about, problem: found });
    else if (found) notes.push({ ...about, ...found });
  }
  for (const name of seen.keys())
    if (!known.has(name) && !name.includes("/"))
      problems.push({ package: "", path: `${BIN}/${name}`, problem: "is no command of a package" });
  return { problems, notes };
}

function findingOf(
  path: string,
  bin: TreeBin,
  options: BinOptions,
  there: Seen | undefined,
): string | { note: string } | undefined {
  if (!there) return "is missing";
  const entry = binEntry(bin, options);
  try {
    if ("link" in entry) {
      if (there.kind !== "link") return "is no link to its command";
      return readlinkSync(path) === entry.link ? undefined : "leads elsewhere";
    }
    if (there.kind !== "file") return "is no plain file";
    if (process.platform !== "win32" && !there.executable) return "is not executable";
    if (there.sizeBytes > MAX_SCRIPT_BYTES) return "starts something else";
    const text = readFileSync(path, "utf8");
    if (text === entry.text) return undefined;
    const other = landOfScript(text, bin, options.windows);
    if (other === undefined) return "starts something else";
    const told = `is run by another land, ${printable(other)}`;
    return isTrusted(other) ? { note: told } : told;
  } catch (cause) {
    const code = errorCode(cause);
    if (code === undefined) throw cause;
    return `cannot be read (${code})`;
  }
}

/** Whether a program can only have been put there by root or the user who runs this. */
function isTrusted(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) return false;
  if (process.platform === "win32") return true;
  const isOurs = found.uid === 0 || found.uid === process.getuid?.();
  return isOurs && (found.mode & 0o022) === 0 && (found.mode & 0o111) !== 0;
}
