import { realpath, stat } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { dirname, extname, isAbsolute, join, posix, relative, sep } from "node:path";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { fileFailed } from "#store/files.ts";

import { findImport, parseSpecifier } from "./imports.ts";

/** An import that leads nowhere it may: the file that has it, relative to the project. */
export type ImportProblem = { importer: string; specifier: string; problem: string };

/** What an import means. */
export type Resolved =
  /** A file of the project, relative to it, links resolved. */
  | { kind: "file"; path: string }
  /** It stays an import: of what every program has, or nothing, and then a problem may be noted. */
  | { kind: "left" };

/** Finds what imports of one program mean, and never anything outside its project. Paths are relative to that, with `/`. */
export type Resolver = {
  /** Absolute, links resolved. */
  root: string;
  /** The program's own file. @throws program_broken where it is not in the project */
  enter: (main: string) => Promise<string>;
  resolve: (importer: string, specifier: string, kind: string) => Promise<Resolved>;
  /** The text of a file that was resolved. @throws file_failed */
  read: (path: string) => Promise<string>;
  problems: ImportProblem[];
  inputs: Set<string>;
};

const ENDINGS = ["", ".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs", ".json"];
const INDEXES = ["index.ts", "index.tsx", "index.js", "index.mjs", "index.json"];
/** As TypeScript writes imports of files that are to be compiled. */
const SOURCES = new Map([
  [".js", [".ts", ".tsx"]],
  [".jsx", [".tsx"]],
  [".mjs", [".mts"]],
  [".cjs", [".cts"]],
]);
const OUTSIDE = "leads out of the project, and a program holds nothing from there";

/** Makes a resolver. `isTaken` tells which files can be part of a program; `onInput` is told of files before they are read. */
export function createResolver(
  root: string,
  isTaken: (path: string) => boolean,
  installDir = "node_modules",
  onInput: (path: string) => void = () => undefined,
): Resolver {
  const trees = new Set(["node_modules", "land_modules", installDir]);
  const problems: ImportProblem[] = [];
  const inputs = new Set<string>();
  return {
    root,
    problems,
    inputs,
    async enter(main) {
      const found = await locate(root, join(root, relative(root, main)));
      if (found?.path !== undefined) return found.path;
      const problem = found ? `It ${OUTSIDE}` : "There is no such file";
      throw fail("program_broken", { file: printable(main), problem });
    },
    async resolve(importer, specifier, kind) {
      const meant = await meaningOf({ root, trees }, importer, specifier, kind);
      if ("left" in meant) return { kind: "left" };
      const problem = "problem" in meant ? meant.problem : problemOfFile(meant.path, isTaken);
      if (problem === undefined && "path" in meant) return { kind: "file", path: meant.path };
      problems.push({ importer, specifier, problem: problem ?? "" });
      // What is missing may come.
      if (specifier.startsWith(".")) onInput(join(root, dirname(importer), specifier));
      return { kind: "left" };
    },
    async read(path) {
      inputs.add(path);
      const file = join(root, path);
      onInput(file);
      return Bun.file(file)
        .text()
        .catch((cause: unknown) => {
          throw fileFailed("read", file, cause);
        });
    },
  };
}

type Meaning = { path: string } | { left: true } | { problem: string };
type Place = { root: string; trees: ReadonlySet<string> };

async function meaningOf(
  place: Place,
  importer: string,
  specifier: string,
  kind: string,
): Promise<Meaning> {
  if (/^(?:bun|node):|^bun$/.test(specifier) || isBuiltin(specifier)) return { left: true };
  const isRelative = /^\.\.?(?:\/|$)/.test(specifier);
  if (isAbsolute(specifier) || specifier.startsWith("file:")) return { problem: OUTSIDE };
  if (!isRelative && /^[a-z][a-z0-9+.-]*:/i.test(specifier))
    return { problem: "is an address: a program brings what it imports" };
  const plain = specifier.replace(/[?#].*$/, "");
  const found = isRelative
    ? await locate(place.root, join(place.root, dirname(importer), plain))
    : await locatePackage(place, importer, plain);
  if (found) return found.path === undefined ? { problem: OUTSIDE } : { path: found.path };
  if (isRelative) return { problem: "is not there" };
  // Packages try what may not be installed, and go on without.
  const isTry = ["require-call", "require-resolve", "dynamic-import"].includes(kind);
  if (isTry && importer.split("/").some((part) => place.trees.has(part))) return { left: true };
  const isPackage = parseSpecifier(specifier) !== undefined;
  return { problem: isPackage ? "is not installed" : "is no file and no package" };
}

function problemOfFile(path: string, isTaken: (path: string) => boolean): string | undefined {
  if (isTaken(path)) return undefined;
  return path.endsWith(".node")
    ? "is a compiled addon, which no sandbox lets in"
    : "is no source and no text, and a program is one file";
}

/** Where a file lies: `path` is undefined outside the project. */
type Located = { path: string | undefined };

/** The file that a path means, links resolved; undefined where there is none. */
async function locate(root: string, path: string): Promise<Located | undefined> {
  for (const candidate of candidatesOf(path)) {
    const real = await realpath(candidate).catch(() => undefined);
    if (real !== undefined && (await isFile(real))) return { path: pathWithin(root, real) };
  }
  return undefined;
}

/** Looks into the install folders beside the importer and above, up to the project's own. */
async function locatePackage(
  { root, trees }: Place,
  importer: string,
  specifier: string,
): Promise<Located | undefined> {
  for (let dir = dirname(join(root, importer)); ; dir = dirname(dir)) {
    for (const tree of trees) {
      const found = await findImport(join(dir, tree), specifier);
      const file = found === undefined ? undefined : await locate(root, found);
      if (file) return file;
    }
    if (relative(root, dir) === "") return undefined;
  }
}

function* candidatesOf(path: string): Generator<string> {
  yield path;
  for (const ending of SOURCES.get(extname(path)) ?? [])
    yield path.slice(0, -extname(path).length) + ending;
  for (const ending of ENDINGS) if (ending !== "") yield path + ending;
  for (const name of INDEXES) yield join(path, name);
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** The way from a folder down to a path, with `/`; undefined where it leads out, and for the folder itself. */
function pathWithin(root: string, path: string): string | undefined {
  const way = relative(root, path);
  if (way === "" || way === ".." || way.startsWith(`..${sep}`) || /^(?:[A-Za-z]:|\/)/.test(way))
    return undefined;
  return way.replaceAll(sep, posix.sep);
}
