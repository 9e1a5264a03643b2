import { join } from "node:path";

import { isMap, readJson } from "#pack/json.ts";
import { readTextIfAny } from "#store/files.ts";

/** Conditions of `exports` that hold for a program run by land, besides `default`. */
const CONDITIONS = new Set(["land", "bun", "node", "import", "module"]);
const ENDINGS = ["", ".ts", ".tsx", ".mts", ".js", ".mjs", ".cjs", ".json"];
const INDEXES = ["index.ts", "index.tsx", "index.mts", "index.js", "index.mjs", "index.cjs"];

/** `@ada/greet/deep` → the package and the path within it; undefined for what names no package. */
export function parseSpecifier(specifier: string): { name: string; subpath: string } | undefined {
  const match = /^((?:@[^/]+\/)?[^@./][^/:]*)(?:\/(.+))?$/.exec(specifier);
  if (!match?.[1]) return undefined;
  return { name: match[1], subpath: match[2] === undefined ? "." : `./${match[2]}` };
}

/**
 * The file that a bare import means, looked up in the tree of a project, or undefined where the tree has no such package or
 * the package gives no such file.
 *
 * @see https://nodejs.org/api/packages.html#package-entry-points
 */
export async function findImport(
  installDir: string,
  specifier: string,
): Promise<string | undefined> {
  const parsed = parseSpecifier(specifier);
  if (!parsed) return undefined;
  const folder = join(installDir, parsed.name);
  // An archive has both; a member of a workspace may have only one.
  const text =
    (await readTextIfAny(join(folder, "package.json"))) ??
    (await readTextIfAny(join(folder, "land.json")));
  if (text === undefined) return undefined;
  const read = readJson(text);
  if ("problem" in read || !isMap(read.value)) return undefined;
  const { exports, module, main } = read.value;
  if (exports !== undefined && exports !== null) {
    const target = findExport(exports, parsed.subpath);
    return target === undefined ? undefined : join(folder, target);
  }
  if (parsed.subpath !== ".") return findFile(join(folder, parsed.subpath));
  for (const entry of [module, main])
    if (typeof entry === "string") {
      const file = await findFile(join(folder, entry));
      if (file) return file;
    }
  return findFile(folder);
}

/** The target of `subpath` in an `exports` field: exact, or by the longest pattern with one `*`. Always inside the package. */
export function findExport(exports: unknown, subpath: string): string | undefined {
  if (!isMap(exports) || !Object.keys(exports).some((key) => key.startsWith(".")))
    return subpath === "." ? inside(pickTarget(exports)) : undefined;
  if (Object.hasOwn(exports, subpath)) return inside(pickTarget(exports[subpath]));
  const patterns = Object.keys(exports)
    .filter((key) => key.split("*").length === 2)
    .toSorted((a, b) => b.indexOf("*") - a.indexOf("*"));
  for (const pattern of patterns) {
    const [before = "", after = ""] = pattern.split("*");
    if (subpath.length <= before.length + after.length) continue;
    if (!subpath.startsWith(before) || !subpath.endsWith(after)) continue;
    const filled = subpath.slice(before.length, subpath.length - after.length);
    return inside(pickTarget(exports[pattern])?.replaceAll("*", filled));
  }
  return undefined;
}

function pickTarget(target: unknown): string | undefined {
  if (typeof target === "string") return target;
  if (Array.isArray(target)) return target.map(pickTarget).find((choice) => choice !== undefined);
  if (!isMap(target)) return undefined;
  for (const [condition, choice] of Object.entries(target)) {
    if (condition !== "default" && !CONDITIONS.has(condition)) continue;
    const picked = pickTarget(choice);
    if (picked !== undefined) return picked;
  }
  return undefined;
}

function inside(target: string | undefined): string | undefined {
  return target?.startsWith("./") && !target.split(/[\\/]/).includes("..") ? target : undefined;
}

async function findFile(path: string): Promise<string | undefined> {
  const candidates = [
    ...ENDINGS.map((ending) => path + ending),
    ...INDEXES.map((name) => join(path, name)),
  ];
  for (const candidate of candidates) if (await Bun.file(candidate).exists()) return candidate;
  return undefined;
}
