import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { fail } from "#base/errors.ts";
import type { PackageName } from "#base/names.ts";
import { errorCode, fileFailed, syncFolder, writeFileAtomic } from "#store/files.ts";

import { GLOBAL_TREE } from "./global-folders.ts";

/** A command that a global package brings. */
export type GlobalBin = { command: string; package: PackageName };

/** How our links are told from what others put there: nothing else points so. */
const OURS = new RegExp(`^\\.\\./packages/(?:@[^/]+/)?[^/]+/${GLOBAL_TREE}/\\.bin/[^/]+$`);
const SHIM_MARK = "@rem land: global package";
const TEMPORARY = /^\..+\.[0-9a-f]{16}\.tmp$/;

/** `$LAND_HOME/bin`: a link for each command of the global packages. */
export function globalBinDir(landHome: string): string {
  return join(landHome, "bin");
}

/** Where the link of a command lies. */
export function globalBinPath(
  landHome: string,
  command: string,
  windows = process.platform === "win32",
): string {
  return join(globalBinDir(landHome), windows ? `${command}.cmd` : command);
}

/**
 * Checks that commands can be put into `$LAND_HOME/bin` beside those that are there.
 *
 * @throws bin_taken where two packages bring the same one, also where only case differs; bin_foreign for a file in the way
 */
export function checkBins(
  landHome: string,
  wanted: readonly GlobalBin[],
  windows = process.platform === "win32",
): void {
  const seen = new Map<string, GlobalBin>();
  for (const bin of wanted) {
    const first = seen.get(bin.command.toLowerCase());
    if (first && first.package !== bin.package)
      throw fail("bin_taken", {
        bin: bin.command,
        first: first.package,
        second: bin.package,
        hint: `Leave one of them out, for example with \`land uninstall -g ${first.package}\``,
      });
    seen.set(bin.command.toLowerCase(), bin);
    const path = globalBinPath(landHome, bin.command, windows);
    if (stateOf(path, windows) === "foreign")
      throw fail("bin_foreign", { bin: bin.command, path, package: bin.package });
  }
}

/**
 * Makes `$LAND_HOME/bin` hold links for exactly these commands. Files that land did not make stay as they are; their names are
 * answered where one of them is in the way.
 *
 * @throws file_failed
 */
export async function syncBins(
  landHome: string,
  wanted: readonly GlobalBin[],
  random: () => string,
  windows = process.platform === "win32",
): Promise<string[]> {
  const dir = globalBinDir(landHome);
  const files = new Map(
    wanted.map((bin) => [basename(globalBinPath(landHome, bin.command, windows)), bin]),
  );
  const blocked: string[] = [];
  let changed = false;
  try {
    for (const name of namesIn(dir)) {
      if (
        !TEMPORARY.test(name) &&
        (files.has(name) || stateOf(join(dir, name), windows) !== "ours")
      )
        continue;
      await rm(join(dir, name), { force: true });
      changed = true;
    }
    if (files.size > 0) await mkdir(dir, { recursive: true });
    for (const [file, bin] of files) {
      const path = join(dir, file);
      const state = stateOf(path, windows);
      if (state === "foreign") blocked.push(bin.command);
      else if (state === "none" || contentOf(path, windows) !== textOf(bin, windows)) {
        await putBin(path, textOf(bin, windows), random(), windows);
        changed = true;
      }
    }
    if (changed) await syncFolder(dir);
  } catch (cause) {
    throw fileFailed("write to", dir, cause);
  }
  return blocked;
}

/** A link is made beside its place and renamed over what was there: the command works at every moment. */
async function putBin(path: string, text: string, mark: string, windows: boolean): Promise<void> {
  if (windows) return writeFileAtomic(path, text);
  const temporary = join(dirname(path), `.${basename(path)}.${mark}.tmp`);
  await symlink(text, temporary);
  await rename(temporary, path);
}

/** Where the link of a command points; on Windows, what its shim says. */
function textOf({ command, package: name }: GlobalBin, windows: boolean): string {
  const target = `../packages/${name}/${GLOBAL_TREE}/.bin/${command}`;
  if (!windows) return target;
  return `@echo off\r\n${SHIM_MARK}\r\n"%~dp0${target.replaceAll("/", "\\")}.cmd" %*\r\n`;
}

function contentOf(path: string, windows: boolean): string {
  return windows ? readFileSync(path, "utf8") : readlinkSync(path);
}

function stateOf(path: string, windows: boolean): "none" | "ours" | "foreign" {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return "none";
  if (windows)
    return found.isFile() && found.size < 2000 && contentOf(path, true).includes(SHIM_MARK)
      ? "ours"
      : "foreign";
  return found.isSymbolicLink() && OURS.test(readlinkSync(path)) ? "ours" : "foreign";
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return [];
    throw cause;
  }
}
