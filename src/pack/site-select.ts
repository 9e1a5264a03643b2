import { lstat, readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";

import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { fileFailed } from "#store/files.ts";

import { type IgnoreRule, parseIgnoreFile } from "./ignore-rules.ts";
import { compareBytes } from "./paths.ts";
import { isNeverDeployed } from "./site-never.ts";
import { findUnserved } from "./site-program.ts";
import { type Stamp, stampOf } from "./site-stamp.ts";

/** A file of a site. */
export type SiteFile = Stamp & {
  /** As it is served: NFC, no leading slash, `/` between folders. */
  path: string;
  /** Where it lies below the folder, as the disk spells it. */
  onDisk: string;
};

/** What of a folder belongs to its site, sorted by the bytes of the paths. */
export type SiteSelection = {
  /** Absolute, links resolved. */
  dir: string;
  files: SiteFile[];
  /** Every folder in it that was looked into, as the disk spells it; "" is the folder itself. */
  folders: string[];
  /** The path of the program that lies in the folder and is not sent, nor is its source map. */
  program: string | undefined;
};

/** How files are chosen. */
export type SelectOptions = {
  /** The program that the manifest names, relative to the folder; null: it lies elsewhere. */
  main?: string | null;
  /** Takes each refusal, and the file is left out; without it the first one is thrown. */
  onRefused?: (refusal: LandError) => void;
};

/** How many files are looked at side by side. */
const AT_ONCE = 64;

/**
 * Chooses the files of a site: every regular file but those that no site sends and what `.landignore` names, in the folder
 * itself or below it. `.gitignore` is not read: it names what a build makes.
 *
 * @throws deploy_path_invalid for a link or a special file, for a name that no address can have, and for two names that are
 * one once normalised to NFC; file_failed
 */
export async function selectSite(
  folder: string,
  options: SelectOptions = {},
): Promise<SiteSelection> {
  const dir = await realpath(folder).catch(readFailed(folder));
  const walk: Walk = { dir, files: [], folders: [], odd: [] };
  await walkFolder(walk, "", []);
  const odd = walk.odd.toSorted((a, b) => compareBytes(a.path, b.path));
  if (odd[0] && !options.onRefused) throw refusalOf(odd[0], odd.length);
  for (const one of odd) options.onRefused?.(refusalOf(one, 1));
  const { program, paths } = findUnserved(
    new Set(walk.files.map(({ path }) => path)),
    options.main,
  );
  const chosen = walk.files.filter(({ path }) => !paths.has(path));
  const sound = checkNames(chosen, options.onRefused);
  const files = await mapAtOnce(sound, (file) => describe(dir, file));
  return { dir, files, folders: walk.folders, program };
}

type Named = Pick<SiteFile, "path" | "onDisk">;
type Odd = { path: string; kind: string };
type Walk = { dir: string; files: Named[]; folders: string[]; odd: Odd[] };

async function walkFolder(walk: Walk, folder: string, above: readonly IgnoreRule[]): Promise<void> {
  const path = join(walk.dir, folder);
  walk.folders.push(folder);
  const entries = await readdir(path, { withFileTypes: true }).catch(readFailed(path));
  const own = entries.some((entry) => entry.name === ".landignore" && entry.isFile())
    ? await readRules(path, folder)
    : [];
  const rules = own.length === 0 ? above : [...above, ...own];
  for (const entry of entries) {
    const onDisk = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (isNeverDeployed(entry.name) || isIgnored(rules, onDisk, entry.isDirectory())) continue;
    if (entry.isDirectory()) await walkFolder(walk, onDisk, rules);
    else if (entry.isFile()) walk.files.push({ path: onDisk.normalize("NFC"), onDisk });
    else
      walk.odd.push({
        path: onDisk,
        kind: entry.isSymbolicLink() ? "a symbolic link" : "not a plain file",
      });
  }
}

async function readRules(path: string, folder: string): Promise<IgnoreRule[]> {
  const file = join(path, ".landignore");
  return parseIgnoreFile(await readFile(file, "utf8").catch(readFailed(file)), folder);
}

function isIgnored(rules: readonly IgnoreRule[], path: string, isFolder: boolean): boolean {
  const rule = rules.findLast((one) => one.matches(path, isFolder));
  return rule !== undefined && !rule.negated;
}

function refusalOf({ path, kind }: Odd, count: number): LandError {
  const others = count - 1;
  const more = others === 0 ? "" : `, and so ${others === 1 ? "is" : "are"} ${others} more`;
  const problem = `it is ${kind}${more}: put the file itself there, or name it in .landignore`;
  return fail("deploy_path_invalid", { path: printable(path), problem });
}

/** Those with a name that a site can have. */
function checkNames(files: readonly Named[], onRefused: SelectOptions["onRefused"]): Named[] {
  const seen = new Map<string, string>();
  return files.filter(({ path, onDisk }) => {
    const problem = problemOfSitePath(path) ?? problemOfTwin(seen.get(path));
    if (problem === undefined) {
      seen.set(path, onDisk);
      return true;
    }
    const refusal = fail("deploy_path_invalid", { path: printable(onDisk), problem });
    if (!onRefused) throw refusal;
    onRefused(refusal);
    return false;
  });
}

function problemOfTwin(twin: string | undefined): string | undefined {
  return twin === undefined
    ? undefined
    : `there are two files of that name, written in different Unicode forms: rename "${printable(twin)}"`;
}

/** Why a name on the disk cannot be a path of a site, as the end of a sentence about it; undefined where it can. */
function problemOfSitePath(path: string): string | undefined {
  if (path.includes("\uFFFD") || !path.isWellFormed()) return "its name is not valid UTF-8";
  if (path.includes("\\")) return "its name holds a backslash";
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) return "its name holds a control character";
  return undefined;
}

async function describe(dir: string, file: Named): Promise<SiteFile> {
  const path = join(dir, file.onDisk);
  return { ...file, ...stampOf(await lstat(path, { bigint: true }).catch(readFailed(path))) };
}

/** Maps with some at a time, in the order of the items sorted by path. */
async function mapAtOnce(
  items: readonly Named[],
  map: (item: Named) => Promise<SiteFile>,
): Promise<SiteFile[]> {
  const sorted = items.toSorted((a, b) => compareBytes(a.path, b.path));
  const done: SiteFile[] = [];
  for (let at = 0; at < sorted.length; at += AT_ONCE)
    done.push(...(await Promise.all(sorted.slice(at, at + AT_ONCE).map(map))));
  return done;
}

function readFailed(path: string): (cause: unknown) => never {
  return (cause) => {
    throw fileFailed("read", path, cause);
  };
}
