import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { fileFailed } from "#store/files.ts";

import { alwaysReason, DEFAULT_OUT, neverReason } from "./always-never.ts";
import { judge, parsePatterns, type Patterns, type Verdict } from "./choose.ts";
import { type IgnoreRule, parseIgnoreFile } from "./ignore-rules.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { compareBytes, problemOfPath, ROOT } from "./paths.ts";
import type { Project } from "./project.ts";

/** A file that goes into the archive. */
export type SelectedFile = {
  /** Relative to the project, `/` between segments, as the disk spells it. */
  path: string;
  sizeBytes: number;
  /** By its mode on disk, or because `bin` names it. */
  executable: boolean;
  /** Short, for a dry run: `files: src`, `always included (bin)`, `default`. */
  why: string;
};

/** What `land pack` would take. Both lists are sorted by the bytes of their paths. */
export type Selection = {
  files: SelectedFile[];
  /** What stays out although it lies in the project, and why. An ignored folder is one item. */
  skipped: { path: string; why: string }[];
};

/**
 * Chooses the files of a project. `files` brings back what .gitignore hides at or above the path it names;
 * .landignore always holds, and its `!` brings back what .gitignore says of the same path. No link is followed.
 *
 * `leaveOut` names files relative to the project that must stay out, such as the archive being written.
 *
 * @throws archive_too_large, archive_invalid for a name that no archive may hold, file_failed
 */
export async function selectFiles(project: Project, leaveOut: string[] = []): Promise<Selection> {
  const patterns = parsePatterns(project.manifest.files);
  const walk: Walk = { project, leaveOut, patterns, files: [], skipped: [] };
  await walkFolder(walk, "", {
    git: parseIgnoreFile(DEFAULT_OUT.join("\n"), ""),
    land: [],
    chosen: patterns.everything,
    ignored: undefined,
  });
  return { files: walk.files.toSorted(byPath), skipped: walk.skipped.toSorted(byPath) };
}

const byPath = (a: { path: string }, b: { path: string }): number => compareBytes(a.path, b.path);

type Walk = Selection & { project: Project; leaveOut: string[]; patterns: Patterns };

async function walkFolder(walk: Walk, folder: string, above: Verdict): Promise<void> {
  const { project, leaveOut, skipped } = walk;
  const entries = await listFolder(project.dir, folder);
  const inside = {
    ...above,
    git: above.git.concat(await readRules(project.dir, folder, ".gitignore", entries)),
    land: above.land.concat(await readRules(project.dir, folder, ".landignore", entries)),
  };
  for (const { name, kind } of entries) {
    const path = folder === "" ? name : `${folder}/${name}`;
    const never = neverReason(project, path, leaveOut);
    if (never !== undefined) skipped.push({ path, why: never });
    else if (kind === "folder") await takeFolder(walk, path, inside);
    else if (kind === "file") await takeFile(walk, path, inside);
    else skipped.push({ path, why: kind });
  }
}

async function takeFolder(walk: Walk, path: string, above: Verdict): Promise<void> {
  const verdict = judge(path, true, above, walk.patterns);
  const wanted = verdict.chosen !== undefined && verdict.ignored === undefined;
  if (wanted || mayHoldChosen(walk, path)) await walkFolder(walk, path, verdict);
  else walk.skipped.push({ path: `${path}/`, why: verdict.ignored ?? "not in files" });
}

async function takeFile(walk: Walk, path: string, above: Verdict): Promise<void> {
  const { project, files, skipped, patterns } = walk;
  const { chosen, ignored } = judge(path, false, above, patterns);
  const why = alwaysReason(project, path) ?? (ignored === undefined ? chosen?.why : undefined);
  if (why === undefined) skipped.push({ path, why: ignored ?? "not in files" });
  else files.push(await describeFile(project, path, why));
  if (files.length > DEFAULT_LIMITS.entries)
    throw fail("archive_too_large", {
      entry: printable(path),
      problem: `comes after ${DEFAULT_LIMITS.entries} files, the limit`,
    });
}

/** Whether a folder that is not itself chosen may hold something that `files`, `main` or `bin` names. */
function mayHoldChosen({ project, patterns }: Walk, folder: string): boolean {
  const { main = "", bin } = project.manifest;
  const targets = [main, ...Object.values(bin)];
  return (
    targets.some((target) => target.startsWith(`${folder}/`)) ||
    patterns.rules.some(({ text, negated }) => {
      const fixed = text.split(/[*?[\\]/, 1)[0] ?? "";
      const open = fixed.length < text.length && `${folder}/`.startsWith(fixed);
      return !negated && (open || fixed.startsWith(`${folder}/`));
    })
  );
}

type Kind = "file" | "folder" | "symbolic link" | "not a plain file";

async function listFolder(dir: string, folder: string): Promise<{ name: string; kind: Kind }[]> {
  const path = join(dir, folder);
  const entries = await readdir(path, { withFileTypes: true }).catch(readFailed(path));
  return entries.map((entry) => ({
    name: entry.name,
    kind: entry.isSymbolicLink()
      ? "symbolic link"
      : entry.isDirectory()
        ? "folder"
        : entry.isFile()
          ? "file"
          : "not a plain file",
  }));
}

/** Only from a plain file: a link could pull in the rules of any file on the machine, and its lines would be shown. */
async function readRules(
  dir: string,
  folder: string,
  name: string,
  entries: { name: string; kind: Kind }[],
): Promise<IgnoreRule[]> {
  if (!entries.some((entry) => entry.name === name && entry.kind === "file")) return [];
  const path = join(dir, folder, name);
  return parseIgnoreFile(await readFile(path, "utf8").catch(readFailed(path)), folder);
}

function readFailed(path: string): (cause: unknown) => never {
  return (cause) => {
    throw fileFailed("read", path, cause);
  };
}

async function describeFile(project: Project, path: string, why: string): Promise<SelectedFile> {
  const problem = problemOfPath(path) ?? tooLong(path);
  if (problem !== undefined) throw fail("archive_invalid", { entry: printable(path), problem });
  const onDisk = join(project.dir, path);
  const stat = await lstat(onDisk).catch(readFailed(onDisk));
  const isBin = Object.values(project.manifest.bin).includes(path.normalize("NFC"));
  return { path, sizeBytes: stat.size, executable: isBin || (stat.mode & 0o100) !== 0, why };
}

function tooLong(path: string): string | undefined {
  const bytes = Buffer.byteLength(`${ROOT}/${path.normalize("NFC")}`);
  const limit = DEFAULT_LIMITS.pathBytes;
  return bytes > limit ? `has a path of more than ${limit} bytes` : undefined;
}
