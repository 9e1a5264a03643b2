import { realpath } from "node:fs/promises";
import { extname, join, relative, resolve } from "node:path";

import { fail, type LandError } from "#base/errors.ts";
import { printable, printableLines } from "#base/names.ts";

import { createResolver, type Resolver } from "./site-resolve.ts";

/** A program in one file. */
export type SiteBundle = {
  code: string;
  /** Its source map (version 3); the sources are named relative to the project. */
  map: string | undefined;
  /** Every file that it was made of, relative to the project, with `/`. */
  inputs: string[];
  /** What its author may not expect. */
  warnings: string[];
};

/** What to bundle. */
export type SiteBundleOptions = {
  /** The program's file. */
  main: string;
  /** Folder of the project: no file outside of it is read. */
  root: string;
  /** Folders of installed packages by name, besides `node_modules` and `land_modules`. */
  installDir?: string;
  minify?: boolean;
  /** Larger programs are refused, in bytes. */
  limitBytes?: number;
  /** Told of each file before it is read, and of those that are imported and not there, also where it comes to nothing. Absolute. */
  onInput?: (path: string) => void;
};

/**
 * The bundler takes all files as if they lay in a folder below one of this name, which is on no disk: there it refuses macros,
 * whichever way they are written (in that folder itself it would not), and looks for no tsconfig.json. No path of this machine is in what it makes.
 *
 * @see https://bun.com/docs/bundler/macros#security-considerations
 */
const VIRTUAL = "/node_modules/program/";
const NAMESPACE = "land";
const ENTRY = "land:program";
const LIMIT_BYTES = 10 * 1024 * 1024;
/** Problems that are told at once. */
const SHOWN = 5;
const HANDLERS = new Set(["default", "fetch", "scheduled", "websocket"]);

type Loader = "js" | "jsx" | "ts" | "tsx" | "json" | "jsonc" | "toml" | "yaml" | "text";
const LOADERS = new Map<string, Loader>([
  ...(["js", "mjs", "cjs"] as const).map((ending) => [`.${ending}`, "js"] as const),
  ...(["ts", "mts", "cts"] as const).map((ending) => [`.${ending}`, "ts"] as const),
  ...(["jsx", "tsx", "json", "jsonc", "toml", "yaml"] as const).map(
    (ending) => [`.${ending}`, ending] as const,
  ),
  ...(["txt", "md", "html", "css", "svg", "sql", "csv", "xml"] as const).map(
    (ending) => [`.${ending}`, "text"] as const,
  ),
]);

/**
 * Bundles the program of a site into one file, in this process, without running a line of the project: no macro, plugin,
 * configuration or install script. Files outside the project, once links are resolved, and compiled addons are refused. What
 * belongs to Bun and Node stays an import. The same files give the same bytes, wherever they lie.
 *
 * @throws program_broken naming file, line and import; file_failed
 */
export async function bundleSiteProgram(options: SiteBundleOptions): Promise<SiteBundle> {
  const root = await realpath(options.root);
  const resolver = createResolver(root, isTaken, options.installDir, options.onInput);
  const main = await resolver.enter(resolve(root, relative(options.root, options.main)));
  const built = await build(resolver, main, options.minify ?? false);
  if (resolver.problems.length > 0) throw await brokenImports(root, main, resolver);
  const code = built.outputs.find(({ kind }) => kind === "entry-point");
  if (!built.success || !code) throw broken(main, problemsOf(built.logs));
  const limit = options.limitBytes ?? LIMIT_BYTES;
  if (code.size > limit)
    throw broken(main, `It is larger than ${limit.toLocaleString("en-US")} bytes once bundled`);
  const map = built.outputs.find(({ kind }) => kind === "sourcemap");
  const text = withoutTrailer(await code.text());
  return {
    code: text,
    map: map && renameSources(await map.text()),
    inputs: [...resolver.inputs].toSorted(),
    warnings: warningsOf(main, text),
  };
}

function build(resolver: Resolver, main: string, minify: boolean): Promise<Bun.BuildOutput> {
  return Bun.build({
    entrypoints: [ENTRY],
    root: resolver.root,
    target: "bun",
    format: "esm",
    sourcemap: "external",
    splitting: false,
    minify,
    env: "disable",
    throw: false,
    plugins: [
      {
        name: "site",
        setup(builder) {
          builder.onResolve({ filter: /.*/ }, async ({ path, importer, kind }) => {
            if (path === ENTRY) return { path: VIRTUAL + main, namespace: NAMESPACE };
            const found = await resolver.resolve(realOf(importer), path, kind);
            return found.kind === "file"
              ? { path: VIRTUAL + found.path, namespace: NAMESPACE }
              : { path, external: true };
          });
          builder.onLoad({ filter: /.*/, namespace: NAMESPACE }, async ({ path }) => {
            const real = realOf(path);
            const loader = LOADERS.get(extname(real).toLowerCase()) ?? "text";
            return { contents: await resolver.read(real), loader };
          });
        },
      },
    ],
  });
}

/** Whether a file can be part of a program. */
function isTaken(path: string): boolean {
  return LOADERS.has(extname(path).toLowerCase());
}

function realOf(path: string): string {
  return path.startsWith(VIRTUAL) ? path.slice(VIRTUAL.length) : path;
}

function broken(main: string, problem: string): LandError {
  return fail("program_broken", { file: printable(main), problem: printableLines(problem) });
}

type Log = Bun.BuildOutput["logs"][number];

/** `src/a.ts:3:7: Unexpected end of file` and the line for each. */
function problemsOf(logs: readonly Log[]): string {
  const lines = logs.map(({ message, position }) => {
    const problem = message
      .replace(/ Maybe you need.*/s, "")
      .replace("macros cannot be run from node_modules", "macros are not run in programs of sites");
    if (!position) return problem;
    const { file, line, column, lineText } = position;
    return `${realOf(file.replace(/^land:/, ""))}:${line}:${column}: ${problem}${pointAt(lineText, column)}`;
  });
  return shorten(lines);
}

/** The line itself and a mark below the column, counted from 1; nothing where it is too long to be read. */
function pointAt(lineText: string, column: number): string {
  if (lineText.trim() === "" || lineText.length > 120) return "";
  return `\n    ${lineText.replaceAll("\t", " ")}\n    ${" ".repeat(Math.max(column - 1, 0))}^`;
}

async function brokenImports(root: string, main: string, { problems }: Resolver) {
  const lines: string[] = [];
  for (const { importer, specifier, problem } of problems) {
    const source = await Bun.file(join(root, importer)).text();
    lines.push(`${importer}${placeOf(source, specifier)}: "${printable(specifier)}" ${problem}`);
  }
  return broken(main, shorten(lines.toSorted()));
}

/** `:3:7`, where an import stands in its file, if it is written plainly. */
function placeOf(source: string, specifier: string): string {
  const at = Math.max(...['"', "'", "`"].map((mark) => source.indexOf(mark + specifier + mark)));
  if (at === -1) return "";
  const before = source.slice(0, at).split("\n");
  return `:${before.length}:${(before.at(-1) ?? "").length + 1}`;
}

function shorten(lines: readonly string[]): string {
  const more = lines.length > SHOWN ? [`and ${lines.length - SHOWN} more`] : [];
  return [...lines.slice(0, SHOWN), ...more].join("\n");
}

/** Without what only the bundler's own tools read. */
function withoutTrailer(code: string): string {
  return code.replace(/\n\/\/# debugId=[0-9A-F]+\s*$/, "\n");
}

function renameSources(map: string): string {
  const { debugId: _, ...rest }: { sources: string[]; debugId?: string } = JSON.parse(map);
  return JSON.stringify({
    ...rest,
    sources: rest.sources.map((source) => realOf(source.replace(/^land:/, ""))),
  });
}

/** Names that are exported and that nobody asks for. */
function warningsOf(main: string, code: string): string[] {
  const [, list = ""] = /(?:^|[;}\s])export\s*\{([^{}]*)\};?\s*$/.exec(code) ?? [];
  const odd = list
    .split(",")
    .map((one) => (/(?:^|\s)(\S+)\s*$/.exec(one) ?? [])[1])
    .filter((name) => name !== undefined && !HANDLERS.has(name));
  return odd.map(
    (name) =>
      `${printable(main)} exports "${printable(name ?? "")}", which is no handler: nobody calls it`,
  );
}
