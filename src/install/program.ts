import { existsSync } from "node:fs";
import { dirname, join, parse } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { readProject } from "#pack/project.ts";
import { writeFileAtomic } from "#store/files.ts";

import { findImport } from "./imports.ts";

/**
 * Bundles a program into one file at `outfile`, its bare imports resolved through the tree that the project of the program
 * installed. What belongs to Bun and Node stays an import.
 *
 * @throws program_broken where it does not parse or an import is found nowhere, file_failed
 */
export async function bundleProgram(file: string, outfile: string): Promise<void> {
  const trees = await findTrees(dirname(file));
  const built = await Bun.build({
    entrypoints: [file],
    target: "bun",
    sourcemap: "inline",
    // What made the binary plain Bun must not reach the programs that this one starts.
    banner: `delete process.env.BUN_BE_BUN; process.argv[1] = ${JSON.stringify(file)};`,
    throw: false,
    plugins: [
      {
        name: "tree",
        setup(build) {
          build.onResolve({ filter: /^[^./]/ }, async ({ path }) => {
            for (const tree of trees) {
              const found = await findImport(tree, path);
              if (found) return { path: found };
            }
            return undefined;
          });
        },
      },
    ],
  });
  const [output] = built.outputs;
  if (!built.success || !output)
    throw fail("program_broken", {
      file,
      problem: built.logs
        .map(({ message }) => message.replace(/ Maybe you need.*/s, ""))
        .join("\n"),
    });
  await writeFileAtomic(outfile, await output.text(), { mode: 0o600 });
}

/** The command that a package brings to one of the projects around a folder, the nearest first, as a path that can be run. */
export async function findBin(start: string, command: string): Promise<string | undefined> {
  if (!/^[\w.-]+$/.test(command) || /^\.+$/.test(command)) return undefined;
  const file = process.platform === "win32" ? `${command}.cmd` : command;
  const paths = (await findTrees(start)).map((tree) => join(tree, ".bin", file));
  return paths.find((path) => existsSync(path));
}

/** The install folders of the projects around a folder, the nearest first. */
async function findTrees(start: string): Promise<string[]> {
  const trees: string[] = [];
  const { root } = parse(start);
  for (let dir = start; ; dir = dirname(dir)) {
    try {
      const { installDir } = await readProject(dir);
      trees.push(join(dir, installDir));
    } catch (error) {
      // A folder without a manifest, or with one that is not ours to judge here.
      if (!(error instanceof LandError)) throw error;
    }
    if (dir === root) return trees;
  }
}
