import { isAbsolute, join } from "node:path";

import { version as landVersion } from "#base/build-info.ts";
import { type ClientHooks, NO_HOOKS } from "#base/client-hooks.ts";
import { fail, LandError, toProblem } from "#base/errors.ts";
import { isMap } from "#pack/json.ts";
import type { PluginErrors } from "#plugin/api.ts";
import { createHooks } from "#plugin/hooks.ts";
import { type ApiOf, type LoadOptions, loadPlugins, type Plugins } from "#plugin/load.ts";
import { runShellHook } from "#plugin/shell.ts";
import { createWatchdog } from "#plugin/watchdog.ts";
import { showable } from "#plugin/words.ts";
import { bundled } from "#plugins/all.ts";
import { readUserFile, userFile } from "#remote/config/file.ts";
import { writeFileAtomic } from "#store/files.ts";

import { flagName, isFlag } from "./argv.ts";
import type { Context } from "./context.ts";
import { isCommand, isGroup, otherNameOf } from "./find.ts";
import { globalArgs } from "./globals.ts";
import { createStyle, renderError } from "./render.ts";

/** Whether plugins and shell hooks are on: --no-plugins and the setting turn both off. @throws config_invalid */
export async function pluginsAreOn(context: Context): Promise<boolean> {
  return context.globals.plugins && (await context.config())["plugins.enabled"];
}

const loading = new WeakMap<Context, Promise<Plugins>>();

/** The plugins of a run, loaded once; none where they are off. Whoever calls it tells of the broken ones. @throws config_invalid, cancelled */
export function pluginsOf(context: Context): Promise<Plugins> {
  const known = loading.get(context) ?? load(context);
  loading.set(context, known);
  return known;
}

async function load(context: Context): Promise<Plugins> {
  if (!(await pluginsAreOn(context))) return { loaded: [], broken: [] };
  return loadPlugins(await loadOptionsOf(context));
}

/** How the plugins of a run are loaded. */
export async function loadOptionsOf(context: Context): Promise<LoadOptions> {
  const settings = await readSettings(context);
  return {
    landHome: context.landHome,
    bundled,
    apiOf: apiOf(context, settings),
    isBuiltIn: (word) =>
      word === "help" || isCommand(word) || isGroup(word) || otherNameOf(word) !== undefined,
    globalFlags: Object.entries(globalArgs).flatMap(([key, arg]) =>
      isFlag(arg) ? [flagName(key), `no-${flagName(key)}`] : [],
    ),
    signal: context.signal,
    watchdog: watchdogOf(context),
  };
}

/** Says why plugins of the user's are not there. */
export function warnOfBroken(context: Context, { broken }: Plugins): void {
  for (const { error } of broken) clearThen(context, context.warn, showable(error.message));
}

/** The hooks of a run: its plugins and the shell commands of the user's settings. */
export async function loadHooks(context: Context): Promise<ClientHooks> {
  const config = await context.config();
  if (!(await pluginsAreOn(context))) return NO_HOOKS;
  const plugins = await pluginsOf(context);
  warnOfBroken(context, plugins);
  const limitMs = config["hooks.limitSeconds"] * 1000;
  const { signal, env } = context;
  return createHooks({
    plugins: plugins.loaded,
    shellOf: (name) => config[`hooks.${name}`],
    runShell: (command, name, event) =>
      runShellHook(command, name, event, {
        cwd: "site" in event ? context.cwd : event.dir,
        env,
        limitMs,
        signal,
        onOutput: outputOf(context),
      }),
    limitMs,
    signal,
    watchdog: watchdogOf(context),
    warn: (line) => clearThen(context, context.warn, line),
  });
}

const CLEAR = "\r\u001B[2K";

/** Takes away what moves on the line, and comes back by itself, before something is written there. */
function clearThen({ world, globals }: Context, write: (line: string) => void, line: string): void {
  if (world.stderr.isTTY === true && !globals.quiet) world.stderr.write(CLEAR);
  write(line);
}

/** Shows what a shell command prints, as it comes. */
function outputOf({ world, globals }: Context): (piece: Uint8Array) => void {
  const { stderr } = world;
  let atStart = true;
  return (piece) => {
    if (globals.quiet || piece.length === 0) return;
    if (atStart && stderr.isTTY === true) stderr.write(CLEAR);
    stderr.write(piece);
    atStart = piece.at(-1) === NEWLINE;
  };
}

const NEWLINE = 10;

function watchdogOf(context: Context): NonNullable<LoadOptions["watchdog"]> {
  return createWatchdog((problem) => {
    const hint = "Mend it, remove it with `land plugin remove`, or pass --no-plugins";
    const error = new LandError({
      code: "plugin_invalid",
      status: 422,
      title: "Plugin not usable",
      detail: problem,
      hint,
      exitCode: 1,
    });
    return context.json
      ? { descriptor: 1, text: `${JSON.stringify(toProblem(error))}\n` }
      : {
          descriptor: 2,
          text: renderError(error, createStyle(context.world.stderr, context.env, context.globals)),
        };
  });
}

/** `plugins.<name>` of the user's own file: no project says anything to a plugin. @throws config_invalid */
async function readSettings({ landHome }: Context): Promise<(name: string) => PluginSettings> {
  const plugins = (await readUserFile(userFile(landHome)))?.["plugins"];
  return (name) => {
    const own = isMap(plugins) ? plugins[name] : undefined;
    return isMap(own) ? own : {};
  };
}

type PluginSettings = Readonly<Record<string, unknown>>;

function apiOf(context: Context, settingsOf: (name: string) => PluginSettings): ApiOf {
  const { cwd, env, signal, now } = context;
  return async (name) => ({
    version: landVersion,
    cwd,
    env,
    signal,
    now,
    settings: settingsOf(name),
    async project() {
      const { readPluginProject } = await import("#plugin/project.ts");
      return readPluginProject(cwd);
    },
    async describe(wanted) {
      const { connect } = await import("./connect.ts");
      const { remote } = await connect(context);
      const told = await remote.readVersion(wanted.name, wanted.version);
      const { description, license, digest, yanked, deprecated, publishedAt } = told;
      return {
        name: told.name,
        version: told.version,
        description,
        license: license ?? "",
        digest,
        yanked,
        deprecated: deprecated ?? undefined,
        publishedAt,
      };
    },
    writeFile: (path, text) => writeFileAtomic(isAbsolute(path) ? path : join(cwd, path), text),
    say: (line) => clearThen(context, context.say, showable(line)),
    warn: (line) => clearThen(context, context.warn, showable(line)),
    error: errorOf,
  });
}

function errorOf<C extends keyof PluginErrors>(code: C, about: PluginErrors[C]): Error {
  const made = { ...about };
  if (code === "usage" && "problem" in made) return fail("usage", made);
  if (code === "not_found" && "what" in made) return fail("not_found", made);
  if (code === "policy_violated" && "problems" in made) return fail("policy_violated", made);
  return new TypeError(`There is no error "${code}" of that form`);
}
