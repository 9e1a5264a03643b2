import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { byText } from "#base/order.ts";
import { writeFileAtomic } from "#store/files.ts";

import type { Bin, Bins } from "./stored.ts";

/** A command of a tree: which package brings it, and which file it is. */
export type TreeBin = Bin & { command: string; package: string };

/** How `.bin` is written. */
export type BinOptions = {
  /** The land binary, absolute: it runs commands that are TypeScript or JavaScript without `#!`. */
  landBinary: string;
  windows: boolean;
};

/**
 * All commands of a tree, sorted, from its packages and members by name.
 *
 * @throws bin_taken where two packages bring the same one, also where only case differs
 */
export function binsOf(packages: Iterable<readonly [string, { bin: Bins }]>): TreeBin[] {
  const bins = new Map<string, TreeBin>();
  for (const [name, { bin }] of [...packages].toSorted(([a], [b]) => byText(a, b)))
    for (const [command, { path, runner }] of Object.entries(bin)) {
      const taken = bins.get(command.toLowerCase());
      if (taken) throw fail("bin_taken", { bin: command, first: taken.package, second: name });
      bins.set(command.toLowerCase(), { command, package: name, path, runner });
    }
  return [...bins.values()].toSorted((a, b) => byText(a.command, b.command));
}

/** Writes the commands into `folder`, which is to stand as `.bin` beside the packages. */
export async function writeBins(
  folder: string,
  bins: readonly TreeBin[],
  options: BinOptions,
): Promise<void> {
  await mkdir(folder);
  for (const bin of bins) {
    const entry = binEntry(bin, options);
    const path = join(folder, entry.file);
    if ("link" in entry) await symlink(entry.link, path);
    else await writeFileAtomic(path, entry.text, { mode: 0o755 });
  }
}

/** What stands in `.bin` for a command: a link to its file, or the text of a script that runs it. */
export function binEntry(
  bin: TreeBin,
  { landBinary, windows }: BinOptions,
): { file: string; link: string } | { file: string; text: string } {
  const { command, runner } = bin;
  const target = `../${bin.package}/${bin.path}`;
  if (windows) return { file: `${command}.cmd`, text: cmdShim(bin, target, landBinary) };
  if (runner === "own") return { file: command, link: target };
  return { file: command, text: shellShim(target, landBinary) };
}

/** The land that a script of `.bin` runs its command by, where it is the script of that command in all else; undefined for others. */
export function landOfScript(text: string, bin: TreeBin, windows: boolean): string | undefined {
  const quoted = windows ? /if exist "([^"]+)"/ : /^land='(.+)'$/m;
  const [, found] = quoted.exec(text) ?? [];
  if (found === undefined) return undefined;
  const landBinary = windows ? found.replaceAll("%%", "%") : found.replaceAll("'\\''", "'");
  const entry = binEntry(bin, { landBinary, windows });
  return "text" in entry && entry.text === text ? landBinary : undefined;
}

/** Finds its package by its own place, so that a project can be moved; and land by PATH where that moved. */
function shellShim(target: string, landBinary: string): string {
  return `#!/bin/sh
self=$(readlink -f -- "$0" 2>/dev/null) || self=$0
land=${shellQuote(landBinary)}
[ -x "$land" ] || land=land
exec "$land" run -- "$(dirname -- "$self")"/${shellQuote(target)} "$@"
`;
}

function cmdShim(bin: TreeBin, target: string, landBinary: string): string {
  const file = `"%~dp0${target.replaceAll("/", "\\").replaceAll("%", "%%")}"`;
  const land = landBinary.replaceAll("%", "%%");
  return bin.runner === "own"
    ? `@echo off\r\n${file} %*\r\n`
    : `@echo off\r\nif exist "${land}" ("${land}" run -- ${file} %*) else (land run -- ${file} %*)\r\n`;
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
