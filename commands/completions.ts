import { dirname, join } from "node:path";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { defineCommand } from "./command.ts";
import { SCRIPT_MARK, SCRIPTS, type Shell, SHELLS } from "./completion-scripts.ts";
import type { Context } from "./context.ts";

/** Prints, or puts in its place, what makes a shell complete words of land. */
export default defineCommand({
  more: `Commands, flags and their values are completed, and names: of packages that are installed here, of those in the
registry, of your sites and registries.`,
  examples: [
    "land completions bash --install # where bash-completion looks for it",
    "source <(land completions zsh) # in ~/.zshrc",
    "land completions fish | source # in this shell alone",
  ],
  args: {
    shell: { type: "optional", about: "bash, zsh or fish (default: the one in SHELL)" },
    install: { type: "boolean", about: "Write it to where the shell looks for it" },
  },
  async run(context, args) {
    const shell = shellOf(args.shell ?? shellName(context));
    if (!args.install)
      return { value: { shell, script: SCRIPTS[shell] }, text: SCRIPTS[shell].trimEnd() };
    const path = placeOf(shell, context);
    await requireOurs(path, context);
    await writeFileAtomic(path, SCRIPTS[shell]);
    context.say(`Wrote ${path}`);
    context.say(adviceFor(shell, path));
    return { value: { shell, path } };
  },
});

function shellOf(name: string): Shell {
  const found = SHELLS.find((shell) => shell === name);
  if (found) return found;
  throw fail("usage", {
    problem:
      name === ""
        ? "Cannot tell which shell is meant"
        : `Cannot complete words in "${printable(name)}": only in ${SHELLS.join(", ")}`,
    hint: "Name it, as in `land completions bash`",
  });
}

function shellName({ env }: Context): string {
  return (env["SHELL"] ?? "").split("/").at(-1) ?? "";
}

/** Where each shell loads such a file from when a user, not the system, put it there. */
function placeOf(shell: Shell, { env, world }: Context): string {
  const data = env["XDG_DATA_HOME"] || join(world.home, ".local", "share");
  const config = env["XDG_CONFIG_HOME"] || join(world.home, ".config");
  return {
    bash: join(data, "bash-completion", "completions", "land"),
    zsh: join(data, "zsh", "site-functions", "_land"),
    fish: join(config, "fish", "completions", "land.fish"),
  }[shell];
}

/** @throws needs_flag where a file stands there that land did not make */
async function requireOurs(path: string, { globals }: Context): Promise<void> {
  const there = await readTextIfAny(path);
  if (there === undefined || there.includes(SCRIPT_MARK) || globals.yes) return;
  throw fail("needs_flag", { flag: "--yes", what: `whether to replace "${path}"` });
}

function adviceFor(shell: Shell, path: string): string {
  if (shell === "fish") return "New shells complete words of land";
  if (shell === "bash")
    return `New shells complete words of land if bash-completion is installed; else add to ~/.bashrc: source '${path}'`;
  return `Add to ~/.zshrc, before compinit: fpath=('${dirname(path)}' $fpath)`;
}
