import { lstatSync, realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { type Git, requireGit, runGit } from "./git.ts";

/** What was set up, or taken away. */
export type LockDriver = {
  /** The file that tells git which driver merges land.lock. */
  attributes: string;
  changed: boolean;
};

const LINE = "land.lock merge=land";
const NAME = "merge.land.name";
const DRIVER = "merge.land.driver";

/**
 * Makes git merge land.lock by `land lock merge`: a line in the attributes of the repository (to be committed) and the
 * driver in its configuration (each clone has its own), or both for all repositories of the user. Doing it again changes
 * nothing.
 *
 * @throws usage outside of a repository, file_failed
 */
export async function installLockDriver(
  git: Git,
  { landBinary, isGlobal }: { landBinary: string; isGlobal: boolean },
): Promise<LockDriver> {
  const scope = isGlobal ? "--global" : "--local";
  const attributes = await attributesPath(git, isGlobal);
  const driver = `${shellQuote(landBinary.replaceAll("\\", "/"))} lock merge --marker-size %L -- %O %A %B`;
  let changed = await changeLines(attributes, (lines, eol) =>
    lines.some(isOurs) ? lines : [...lines, LINE + eol],
  );
  for (const [key, value] of [
    [NAME, "land.lock by land"],
    [DRIVER, driver],
  ] as const) {
    const set = await runGit(git, ["config", scope, "--get", key]);
    if (set?.code === 0 && set.text.replace(/\n$/, "") === value) continue;
    await requireGit(git, ["config", scope, "--replace-all", key, value]);
    changed = true;
  }
  return { attributes, changed };
}

/** Takes away what `installLockDriver` made, and nothing else. @throws usage, file_failed */
export async function uninstallLockDriver(git: Git, isGlobal: boolean): Promise<LockDriver> {
  const scope = isGlobal ? "--global" : "--local";
  const attributes = await attributesPath(git, isGlobal);
  let changed = await changeLines(attributes, (lines) => lines.filter((line) => !isOurs(line)));
  for (const key of [NAME, DRIVER]) {
    const set = await runGit(git, ["config", scope, "--get", key]);
    if (set?.code !== 0) continue;
    await requireGit(git, ["config", scope, "--unset-all", key]);
    changed = true;
  }
  return { attributes, changed };
}

async function attributesPath(git: Git, isGlobal: boolean): Promise<string> {
  if (!isGlobal) {
    const found = await runGit(git, ["rev-parse", "--show-toplevel"]);
    const top = found?.text.replace(/\n$/, "");
    if (found?.code === 0 && top) return join(top, ".gitattributes");
    throw fail("usage", {
      problem: "Cannot set up the merge driver: this folder is in no work tree of git",
      hint: "Run it in a repository, or pass --global",
    });
  }
  const set = await runGit(git, ["config", "--global", "--path", "--get", "core.attributesFile"]);
  if (set?.code === 0) return set.text.replace(/\n$/, "");
  const { XDG_CONFIG_HOME, HOME, USERPROFILE } = git.env;
  const config = XDG_CONFIG_HOME || join(HOME ?? USERPROFILE ?? git.cwd, ".config");
  return join(config, "git", "attributes");
}

/** Whether a line of attributes is ours. Others about land.lock are somebody's wish; ours comes after them, so it counts. */
function isOurs(line: string): boolean {
  return line.trim().split(/\s+/).join(" ") === LINE;
}

/** Lines with their ends. A file that is left without any is removed. */
async function changeLines(
  path: string,
  change: (lines: string[], eol: string) => string[],
): Promise<boolean> {
  const target = targetOf(path);
  const text = (await readTextIfAny(target)) ?? "";
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text === "" ? [] : text.split(/(?<=\n)/);
  const last = lines.length - 1;
  if (lines[last]?.endsWith("\n") === false) lines[last] += eol;
  const changed = change(lines, eol);
  const after = changed.join("");
  if (changed.length === lines.length) return false;
  if (after === "") await rm(target, { force: true });
  else await writeFileAtomic(target, after);
  return true;
}

/** What is written: people keep their own configuration behind links, but a checkout could lead anywhere by one. */
function targetOf(path: string): string {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
  if (path.endsWith(".gitattributes"))
    throw fail("file_failed", {
      action: "write",
      path,
      problem: "it is a link, which git passes over",
    });
  return realpathSync(path);
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
