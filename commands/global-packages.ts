import { delimiter } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { globalBinDir } from "#install/global-bins.ts";
import { globalDir } from "#install/global-folders.ts";
import {
  type GlobalChange,
  type GlobalOptions,
  listGlobals,
  updateGlobals,
} from "#install/global.ts";
import { listInstalled } from "#install/list.ts";
import { stateFile } from "#install/state.ts";

import { renderChanges } from "./changes.ts";
import type { Outcome } from "./command.ts";
import { homeOf } from "./connect.ts";
import type { Context } from "./context.ts";
import { eventsTo, type InstallFlags, installOptions } from "./installing.ts";
import { createProgress } from "./progress.ts";
import { renderTable } from "./render.ts";

/** What the verbs of global packages need that ask no registry. @throws usage */
export function globalHome(context: Context) {
  const home = homeOf(context);
  return { ...home, state: stateFile(home), random: context.world.random };
}

/** Changes the global packages with progress, and answers what changed. Fails as the verb does. */
export async function changeGlobals(
  context: Context,
  flags: InstallFlags,
  act: (options: GlobalOptions) => Promise<GlobalChange>,
): Promise<Outcome> {
  const began = performance.now();
  const progress = createProgress(context);
  try {
    const mode = { kind: "install" } as const;
    const options = await installOptions(context, mode, flags, eventsTo(context, progress));
    const change = await act({ ...options, ...globalHome(context) });
    progress.stop();
    const elapsedMs = flags.dryRun ? undefined : performance.now() - began;
    context.say(renderChanges(change, elapsedMs, context.style));
    if (flags.dryRun) return { value: change };
    const coming = new Set([...change.added, ...change.changed].map(({ name }) => name));
    const bins = change.bins.filter((bin) => coming.has(bin.package));
    if (bins.length > 0) context.say(`Commands: ${bins.map(({ command }) => command).join(", ")}`);
    if (change.bins.length > 0) advisePath(context);
    return { value: change };
  } catch (error) {
    throw toldGlobally(error);
  } finally {
    progress.stop();
  }
}

/** The same failure with what to type about global packages: a verb tells what helps in a project. */
function toldGlobally(error: unknown): unknown {
  if (!(error instanceof LandError)) return error;
  const { explanation, suggestions, proof, what } = error.data ?? {};
  if (error.code === "no_solution" && typeof explanation === "string") {
    const commands = Array.isArray(suggestions) ? suggestions.map(String) : [];
    const fitting = commands.filter((command) => /^land add [^-][^&]*$/.test(command));
    const said = fitting.map((command) => command.replace(/^land add /, "land install -g "));
    return fail("no_solution", { explanation, suggestions: said, proof });
  }
  if (error.code === "not_found" && typeof what === "string" && error.hint === undefined)
    return fail("not_found", { what, hint: "See what is there with `land list -g`" });
  return error;
}

/** Brings what is installed for the user to newer versions. Fails as `updateGlobals` does. */
export async function updateForUser(
  context: Context,
  names: readonly string[],
  latest: boolean,
  flags: InstallFlags,
): Promise<Outcome> {
  return changeGlobals(context, flags, (options) => updateGlobals(options, names, { latest }));
}

/** Shows what is installed for the user. */
export async function listForUser(context: Context): Promise<Outcome> {
  const globals = await listGlobals(globalHome(context));
  const packages = await Promise.all(
    globals.map(async (item) => {
      const { packages: tree } = await listInstalled(globalDir(context.landHome, item.name));
      const dependencies = tree.find(({ name }) => name === item.name)?.dependencies ?? [];
      return Object.assign({}, item, { dependencies });
    }),
  );
  const rows = globals.map(({ name, version, bins }) => [name, version, bins.join(", ")]);
  const text = rows.length === 0 ? "Nothing is installed for you" : renderTable(rows);
  return { value: { packages }, text };
}

/** Whether the shell finds the commands of global packages. */
export function isOnPath({ env, landHome }: Pick<Context, "env" | "landHome">): boolean {
  const dir = globalBinDir(landHome);
  const parts = (env["PATH"] ?? env["Path"] ?? "").split(delimiter);
  return parts.some((part) => part.replace(/[/\\]+$/, "") === dir);
}

/** Tells how to put `$LAND_HOME/bin` on PATH, where it is not. */
function advisePath(context: Context): void {
  if (isOnPath(context)) return;
  context.say("");
  context.say(
    `${globalBinDir(context.landHome)} is not on your PATH: to run the commands by name,`,
  );
  context.say(pathAdvice(context));
}

/** One line for the shell of the user that puts `$LAND_HOME/bin` on PATH for good. */
export function pathAdvice({ env, landHome, world }: Context): string {
  const dir = globalBinDir(landHome);
  const shown = dir.startsWith(`${world.home}/`) ? `$HOME${dir.slice(world.home.length)}` : dir;
  const shell = (env["SHELL"] ?? "").split("/").at(-1);
  if (shell === "fish") return `run \`fish_add_path ${shown}\``;
  const file = { zsh: "~/.zshrc", bash: "~/.bashrc" }[shell ?? ""] ?? "~/.profile";
  return `add \`export PATH="${shown}:$PATH"\` to ${file}`;
}
