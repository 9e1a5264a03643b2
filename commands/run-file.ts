import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { devNull } from "node:os";
import { join, resolve } from "node:path";

import { fail } from "#base/errors.ts";
import { bundleProgram } from "#install/program.ts";

import { defineCommand } from "./command.ts";

/** Runs a TypeScript or JavaScript file; what it imports by name comes from the tree of its project. */
export default defineCommand({
  more: "What follows the file, or `--` and the file, goes to the program. Its exit code is that of the command.",
  examples: ["land run index.ts", "land run -- tool.ts --verbose"],
  args: {
    file: { type: "one", about: "The file to run" },
    args: { type: "any", about: "Arguments of the program; flags among them after `--`" },
  },
  async run({ cwd, landHome, env, world, takeSignals }, { file, args }) {
    const path = resolve(cwd, file);
    if (!(await Bun.file(path).exists())) throw fail("not_found", { what: `the file "${path}"` });
    const bundle = join(landHome, "run", `${randomBytes(8).toString("hex")}.js`);
    try {
      await bundleProgram(path, bundle);
      // The binary as plain Bun: no settings of the folder it stands in, and nothing fetched.
      const child = Bun.spawn(
        [world.binary, "--no-install", "--no-env-file", `--config=${devNull}`, bundle, ...args],
        { cwd, env: { ...env, BUN_BE_BUN: "1" }, stdio: ["inherit", "inherit", "inherit"] },
      );
      takeSignals((signal) => child.kill(signal));
      return { value: undefined, exitCode: await child.exited };
    } finally {
      await rm(bundle, { force: true });
    }
  },
});
