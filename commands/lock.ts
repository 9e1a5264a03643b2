import { resolve } from "node:path";

import { fail } from "#base/errors.ts";
import type { Git } from "#install/git.ts";
import { installLockDriver, uninstallLockDriver } from "#install/lock-driver.ts";
import { mergeLockFiles } from "#install/lock-files.ts";

import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { install } from "./installing.ts";

/** Makes land.lock what the manifest asks for, and leaves the tree as it is. */
export const make = defineCommand({
  more: `Solves as \`land install\` does and writes land.lock alone: no archive is fetched. With --check nothing is written, and
the exit code tells whether the lock fits the manifest.`,
  examples: ["land lock", "land lock --check # for a pipeline or a hook of git"],
  args: {
    check: { type: "boolean", about: "Write nothing; fail where land.lock does not fit" },
    offline: { type: "boolean", about: "Ask no registry" },
  },
  run: (context, { check, offline }) =>
    install(context, { kind: "install" }, { lockOnly: true, frozen: check, offline }),
});

/** Merges two versions of a lock, as git's merge driver. */
export const merge = defineCommand({
  more: `Writes the result to OURS. What one side changed, added or removed since BASE is taken over; where both changed a
package, the newer version stays. Where the two disagree on the bytes of one version, OURS gets conflict markers and
the exit code is 1. \`land install\` afterwards makes the lock fit the merged manifest. git calls this by itself after
\`land lock install-driver\`.`,
  examples: ["land lock merge base.lock land.lock theirs.lock"],
  args: {
    base: { type: "one", about: "The version that both come from; may be empty" },
    ours: { type: "one", about: "Our version, and where the result goes" },
    theirs: { type: "one", about: "The other version" },
    markerSize: { type: "text", value: "N", about: "Characters in a conflict marker (default: 7)" },
  },
  async run(context, { base, ours, theirs, markerSize = "7" }) {
    if (!/^\d{1,3}$/.test(markerSize) || Number(markerSize) < 1)
      throw fail("usage", {
        problem: "Cannot use this --marker-size: it is a number from 1 to 999",
      });
    const at = (path: string): string => resolve(context.cwd, path);
    const lock = await mergeLockFiles(gitOf(context), {
      base: at(base),
      ours: at(ours),
      theirs: at(theirs),
      markerSize: Number(markerSize),
    });
    return { value: { path: at(ours), packages: lock.packages.length } };
  },
});

/** Tells git to merge land.lock by land. */
export const installDriver = defineCommand({
  more: `Adds \`land.lock merge=land\` to .gitattributes, which is to be committed, and the driver to the configuration of this
clone, which is not part of a commit: each clone runs this once. With --global both are for all your repositories.`,
  examples: [
    "land lock install-driver",
    "land lock install-driver --global # for all repositories of yours",
    "land lock install-driver --uninstall",
  ],
  args: {
    global: { type: "boolean", short: "g", about: "For all repositories of the user" },
    uninstall: { type: "boolean", about: "Take it away again" },
  },
  async run(context, { global: isGlobal, uninstall }) {
    const git = gitOf(context);
    const { binary: landBinary } = context.world;
    const { attributes, changed } = uninstall
      ? await uninstallLockDriver(git, isGlobal)
      : await installLockDriver(git, { landBinary, isGlobal });
    const done = uninstall ? "git merges land.lock as any text" : "git merges land.lock by land";
    context.say(`${changed ? "Done" : "Nothing to do"}: ${done} (${attributes})`);
    return { value: { attributes, installed: !uninstall, changed } };
  },
});

function gitOf({ cwd, env, signal }: Context): Git {
  return { cwd, env, signal };
}
