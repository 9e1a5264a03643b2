import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { join, relative, sep } from "node:path";

import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { byText } from "#base/order.ts";

/** Folders that no `*` or `**` of a pattern goes into. */
const NEVER = new Set(["node_modules", "land_modules", ".git"]);
/** Folders looked at before a workspace is refused: `**` over a whole disk must end. */
const MAX_FOLDERS = 200_000;
const MAX_BRACES = 500;

/**
 * The folders that the patterns of a workspace name, relative to its root with `/`, sorted, each once: `*`, `?`, `[ab]`
 * and `{a,b}` within a segment or over several, `**` for any depth. A pattern with `!` takes away what those before it
 * named. What a pattern without wildcards names must be a folder; of what wildcards match, files are passed over. A link
 * counts as the folder it leads to.
 *
 * @throws workspace_invalid for a folder outside the root, links resolved, for one that is not there, and for too many
 */
export function findMemberFolders(root: string, patterns: readonly string[]): string[] {
  const found = new Set<string>();
  const walk: Walk = { root, looked: 0, found };
  for (const pattern of patterns) {
    const negated = pattern.startsWith("!");
    for (const plain of expandBraces(negated ? pattern.slice(1) : pattern)) {
      const segments = plain.split("/").filter((segment) => segment !== "" && segment !== ".");
      if (segments.includes(".."))
        throw invalid(`its pattern "${printable(pattern)}" leads out of the root`);
      if (negated) takeAway(found, segments.join("/"));
      else if (isLiteral(plain)) takeLiteral(walk, segments.join("/"));
      else descend(walk, "", segments);
    }
  }
  found.delete("");
  return [...found].toSorted(byText);
}

/** Whether the patterns of a workspace name the folder `way`, relative to its root. Looks at no disk. */
export function matchesPatterns(patterns: readonly string[], way: string): boolean {
  let matches = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith("!");
    if (negated !== matches) continue;
    const plain = expandBraces(negated ? pattern.slice(1) : pattern);
    if (plain.some((one) => new Bun.Glob(one).match(way))) matches = !negated;
  }
  return matches;
}

type Walk = { root: string; looked: number; found: Set<string> };

function isLiteral(pattern: string): boolean {
  return !/[*?[]/.test(pattern);
}

function takeAway(found: Set<string>, pattern: string): void {
  const glob = new Bun.Glob(pattern);
  for (const folder of found) if (glob.match(folder)) found.delete(folder);
}

function takeLiteral({ root, found }: Walk, way: string): void {
  const stat = lstatSync(join(root, way), { throwIfNoEntry: false });
  if (!stat) throw invalid(`its folder "${printable(way)}" is not there`);
  if (!stat.isDirectory() && !stat.isSymbolicLink())
    throw invalid(`"${printable(way)}", which it names, is not a folder`);
  found.add(realFolder(root, way) ?? notFolder(way));
}

function notFolder(way: string): never {
  throw invalid(`"${printable(way)}", which it names, is a link to no folder`);
}

function descend(walk: Walk, folder: string, segments: readonly string[]): void {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    walk.found.add(folder);
    return;
  }
  if (segment === "**") {
    descend(walk, folder, rest);
    for (const { name, link } of listFolders(walk, folder))
      if (!link && mayEnter(name, "*")) descend(walk, under(folder, name), segments);
    return;
  }
  const glob = new Bun.Glob(segment);
  for (const { name, link } of listFolders(walk, folder)) {
    if (!mayEnter(name, segment) || !glob.match(name)) continue;
    const real = link ? realFolder(walk.root, under(folder, name)) : under(folder, name);
    if (real !== undefined) descend(walk, real, rest);
  }
}

/** Wildcards pass over hidden folders, as everywhere, and over what package managers fill. */
function mayEnter(name: string, segment: string): boolean {
  return !NEVER.has(name) && (!name.startsWith(".") || segment.startsWith("."));
}

function listFolders(walk: Walk, folder: string): { name: string; link: boolean }[] {
  walk.looked += 1;
  if (walk.looked > MAX_FOLDERS)
    throw invalid(`its patterns lead through more than ${MAX_FOLDERS} folders`);
  const entries = readdirSync(join(walk.root, folder), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map((entry) => ({ name: entry.name, link: entry.isSymbolicLink() }));
}

/** Where a link leads, relative to the root; undefined where that is no folder. @throws workspace_invalid for one outside */
function realFolder(root: string, way: string): string | undefined {
  let real: string;
  try {
    real = realpathSync(join(root, way));
  } catch {
    return undefined;
  }
  if (!lstatSync(real).isDirectory()) return undefined;
  const inside = relative(root, real).replaceAll(sep, "/");
  if (inside === ".." || inside.startsWith("../") || /^(?:[A-Za-z]:|\/)/.test(inside))
    throw invalid(`its folder "${printable(way)}" is a link that leads out of the root`);
  return inside;
}

function under(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** `{a,b}/c` → `a/c`, `b/c`; also one in another. Brackets without a partner stand for themselves. */
function expandBraces(pattern: string): string[] {
  const done: string[] = [];
  const open = [pattern];
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    const found = text.matchAll(/\{([^{}]*)\}/g).find(([, inner = ""]) => inner.includes(","));
    const [whole = "", inner = ""] = found ?? [];
    const [before, after] = found
      ? [text.slice(0, found.index), text.slice(found.index + whole.length)]
      : [text, ""];
    if (found) open.push(...inner.split(",").map((choice) => before + choice + after));
    else done.push(text);
    if (done.length + open.length > MAX_BRACES)
      throw invalid(`its pattern "${printable(pattern)}" stands for too many`);
  }
  return done;
}

function invalid(problem: string): LandError {
  return fail("workspace_invalid", { problem });
}
