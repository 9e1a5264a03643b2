import { join } from "node:path";

import { type PackageName, parsePackageName } from "#base/names.ts";
import { isMap } from "#pack/json.ts";
import { problemOfPath } from "#pack/paths.ts";
import { readTextIfAny } from "#store/files.ts";

import { type Held, parseMarker, serializeMarker } from "./marker.ts";

/** The file in an install folder that stands there while a change is carried out. */
export const JOURNAL = ".land-journal.json";
/** The folder in an install folder where a change is prepared. */
export const STAGING = ".land-staging";

/** The files of a project that an install may write; of a member, its manifests. */
export const PROJECT_FILES = ["land.json", "package.json", "land.lock"] as const;

/**
 * A file of the project before and after; undefined where it is not there before. `path` is relative to the root, with
 * `/`: one of `PROJECT_FILES`, or a manifest in the folder of a member.
 */
export type FileChange = { path: string; before: string | undefined; after: string };

/**
 * A change that was decided: from the moment it is on disk, the change is carried out to its end, if need be by the next
 * run. Every step can be told done or not by looking, so that doing it all again does no harm. What it holds (`placed`, `links`, `lock`) is the tree in the end.
 */
export type Journal = Held & {
  files: FileChange[];
  /** Names in the install folder that land did not make and was allowed to replace; the `n`th moves to `old/c<n>`. */
  clear: string[];
  /** Packages to take away; the `n`th moves to `old/r<n>`. */
  remove: PackageName[];
  /** Packages to put in, links of members too; the `n`th comes from `new/<n>`, and what it replaces moves to `old/p<n>`. */
  place: PackageName[];
  /** Whether `.bin` comes from `new/bin`; "none": it goes away. */
  bins: "new" | "keep" | "none";
};

/** The journal in `installDir`; "broken" where there is one that cannot be read, undefined where there is none. */
export async function readJournal(installDir: string): Promise<Journal | "broken" | undefined> {
  const text = await readTextIfAny(join(installDir, JOURNAL));
  return text === undefined ? undefined : (parseJournal(text) ?? "broken");
}

/** The text of a journal. */
export function serializeJournal({ placed, links, lock, ...rest }: Journal): string {
  const marker = serializeMarker({ placed, links, lock });
  return `${JSON.stringify({ format: 1, ...rest, placed: marker })}\n`;
}

/** Every name in it is checked: a checkout may bring a journal along. */
function parseJournal(text: string): Journal | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isMap(value) || value["format"] !== 1) return undefined;
    const { files, clear, remove, place, bins, placed } = value;
    const marker = typeof placed === "string" ? parseMarker(placed) : undefined;
    if (!marker || (bins !== "new" && bins !== "keep" && bins !== "none")) return undefined;
    return {
      files: list(files).map(parseFileChange),
      clear: list(clear).map(parseEntryName),
      remove: list(remove).map(parsePackageName),
      place: list(place).map(parsePackageName),
      bins,
      ...marker,
    };
  } catch {
    return undefined;
  }
}

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError("not a list");
}

function parseFileChange(value: unknown): FileChange {
  if (!isMap(value)) throw new TypeError("not a file change");
  const { path, before, after } = value;
  if (typeof path !== "string" || !isProjectFile(path)) throw new TypeError("not a file change");
  if (typeof after !== "string") throw new TypeError("not a file change");
  if (before !== undefined && typeof before !== "string") throw new TypeError("not a file change");
  return { path, before, after };
}

function isProjectFile(path: string): boolean {
  if (PROJECT_FILES.some((file) => file === path)) return true;
  return /\/(?:land|package)\.json$/.test(path) && problemOfPath(path) === undefined;
}

/** One segment of a path, of this very folder. */
function parseEntryName(value: unknown): string {
  if (typeof value === "string" && !/^\.{0,2}$|[/\\\0]/.test(value)) return value;
  throw new TypeError("not the name of an entry");
}
