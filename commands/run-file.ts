import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { devNull } from "node:os";
import { join, resolve } from "node:path";

import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { bundleProgram, findBin } from "#install/program.ts";

import { defineCommand } from "./command.ts";

/** Runs a TypeScript or JavaScript file, or a command that a package of the project brings. */
export default defineCommand({
  more: `What a file imports by name comes from the tree of its project. Where there is no such file, the word is a command that a
package of the project brings. What follows it, or \`--\` and it, goes to the program. Its exit code is that of the command.`,
  examples: [
    "land run index.ts",
    "land run greet you # a command of a package",
    "land run -- tool.ts --verbose",
  ],
  args: {
    file: { type: "one", about: "The file, or the command of a package, to run" },
    args: { type: "any", about: "Arguments of the program; flags among them after `--`" },
  },
  async run({ cwd, landHome, env, world, takeSignals }, { file, args }) {
    const path = resolve(cwd, file);
    const start = (command: readonly string[], more: NodeJS.ProcessEnv): Promise<number> => {
      const stdio: ["inherit", "inherit", "inherit"] = ["inherit", "inherit", "inherit"];
      const child = Bun.spawn([...command, ...args], { cwd, env: { ...env, ...more }, stdio });
      takeSignals((signal) => child.kill(signal));
      return child.exited;
    };
    if (!(await Bun.file(path).exists())) {
      const bin = await findBin(cwd, file);
      if (bin === undefined) throw notThere(file, path);
      return { value: undefined, exitCode: await start([bin], {}) };
    }
    const bundle = join(landHome, "run", `${randomBytes(8).toString("hex")}.js`);
    try {
      await bundleProgram(path, bundle);
      // The binary as plain Bun: no settings of the folder it stands in, and nothing fetched.
      const plain = [world.binary, "--no-install", "--no-env-file", `--config=${devNull}`, bundle];
      return { value: undefined, exitCode: await start(plain, { BUN_BE_BUN: "1" }) };
    } finally {
      await rm(bundle, { force: true });
    }
  },
});

function notThere(typed: string, path: string): LandError {
  const isWord = /^[\w-]+$/.test(typed);
  return fail("not_found", {
    what: isWord
      ? `a file or a command "${typed}" in this project`
      : `the file "${printable(path)}"`,
    hint: isWord ? "A package brings its commands once it is installed: `land install`" : "",
  });
}
