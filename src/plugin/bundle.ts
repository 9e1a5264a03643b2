import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { findImport } from "#install/imports.ts";
import { readProject } from "#pack/project.ts";
import { fileFailed } from "#store/files.ts";

import { showable } from "./words.ts";

/** The code of a plugin in one file. */
export type PluginCode = {
  /** Its file may stand alone under the name of the plugin; a bundle is the `plugin.js` of a folder. */
  kind: "file" | "bundle";
  ending: "ts" | "js";
  bytes: Uint8Array;
};

/** Where the code of a plugin begins. */
export type PluginEntry = {
  file: string;
  /** Where the packages lie that it imports. */
  installDir: string;
};

const ENTRIES = ["plugin.ts", "plugin.js", "index.ts", "index.js"];

/** Where a plugin begins: a file itself, or of a folder its `main`, else plugin.ts, plugin.js, index.ts, index.js. @throws plugin_invalid, not_found */
export async function findEntry(path: string): Promise<PluginEntry> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw fail("not_found", { what: `"${printable(path)}"` });
  if (!info.isDirectory() && !info.isFile())
    throw fail("plugin_invalid", { plugin: printable(basename(path)), problem: "it is no file" });
  if (!info.isDirectory()) {
    // Whatever is wrong with a manifest that happens to lie beside it matters only where a package is looked for.
    const beside = await mainOf(dirname(path)).catch(() => undefined);
    return { file: path, installDir: beside?.installDir ?? join(dirname(path), "node_modules") };
  }
  const { main, installDir } = await mainOf(path);
  for (const name of main === undefined ? ENTRIES : [main, ...ENTRIES])
    if (await Bun.file(join(path, name)).exists()) return { file: join(path, name), installDir };
  throw fail("plugin_invalid", {
    plugin: basename(path),
    problem: `there is no ${ENTRIES.join(", ")} in it, and no "main" in its manifest`,
  });
}

/** The `main` of a folder, and where its packages are installed. */
async function mainOf(dir: string): Promise<{ main?: string; installDir: string }> {
  try {
    const { manifest, installDir } = await readProject(dir);
    const { main } = manifest;
    return { installDir: join(dir, installDir), ...(main !== undefined && { main }) };
  } catch (error) {
    if (error instanceof LandError && error.code === "manifest_missing")
      return { installDir: join(dir, "node_modules") };
    throw error;
  }
}

/**
 * The code of a plugin: as it is where it imports nothing but "land" and what Bun and Node bring, else bundled with what it imports.
 *
 * @throws plugin_invalid where it does not parse or imports what is not there, file_failed
 */
export async function readPluginCode(entry: PluginEntry): Promise<PluginCode> {
  const { file } = entry;
  const [, ending] = /\.(ts|js)$/.exec(file) ?? [];
  const bytes = await Bun.file(file)
    .bytes()
    .catch((cause: unknown) => {
      throw fileFailed("read", file, cause);
    });
  if ((ending === "ts" || ending === "js") && importsNothing(file, ending, bytes))
    return { kind: "file", ending, bytes };
  return { kind: "bundle", ending: "js", bytes: await bundle(entry) };
}

function importsNothing(entry: string, loader: "ts" | "js", bytes: Uint8Array): boolean {
  try {
    const imports = new Bun.Transpiler({ loader }).scanImports(bytes);
    return imports.every(({ path }) => isBrought(path));
  } catch (cause) {
    throw fail(
      "plugin_invalid",
      { plugin: basename(entry), problem: `it does not parse: ${messageOf(cause)}` },
      { cause },
    );
  }
}

/** Whether an import means land, Bun or Node themselves. */
function isBrought(path: string): boolean {
  return path === "land" || /^(?:bun|node)(?:$|:)/.test(path);
}

async function bundle({ file, installDir }: PluginEntry): Promise<Uint8Array> {
  const built = await Bun.build({
    entrypoints: [file],
    target: "bun",
    format: "esm",
    env: "disable",
    throw: false,
    plugins: [
      {
        name: "packages",
        setup(build) {
          build.onResolve({ filter: /^[^./]/ }, async ({ path }) => {
            if (path === "land") return { path, external: true };
            const found = isBrought(path) ? undefined : await findImport(installDir, path);
            return found === undefined ? undefined : { path: found };
          });
        },
      },
    ],
  });
  const [output] = built.outputs;
  if (built.success && output && built.outputs.length === 1)
    return new Uint8Array(await output.arrayBuffer());
  const problem = built.success
    ? "it needs more files than one once bundled"
    : built.logs
        .map(({ message }) => showable(message.replace(/ Maybe you need.*/s, "")))
        .join("; ");
  throw fail("plugin_invalid", {
    plugin: basename(file),
    problem,
    ...(/Could not resolve/.test(problem) && {
      hint: "Install what it imports first: `land install` in its folder",
    }),
  });
}

function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0)
    return cause.errors.map(messageOf).join("; ");
  return showable(cause instanceof Error ? cause.message : String(cause));
}
