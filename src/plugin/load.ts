import { pathToFileURL } from "node:url";

import type { HookEvents, HookName } from "#base/client-hooks.ts";
import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { byName } from "#base/order.ts";
import { isMap } from "#pack/json.ts";
import { errorCode, fileFailed } from "#store/files.ts";

import type { Plugin, PluginApi, PluginCommand } from "./api.ts";
import { createRegistrar } from "./collect.ts";
import { findPlugins, type FoundPlugin, pluginsFolder, problemOfName } from "./found.ts";
import { type Limit, type Watchdog, withinLimit } from "./limit.ts";
import { provideLandModule } from "./provided.ts";
import { type PluginRecord, readRecords } from "./records.ts";
import { problemOf } from "./words.ts";

/** What a plugin does at each event, in the order in which it said so. */
export type Handlers = {
  readonly [N in HookName]: readonly ((event: HookEvents[N]) => void | Promise<void>)[];
};

/** A plugin that has been set up. */
export type LoadedPlugin = {
  name: string;
  description: string | undefined;
  /** Absolute; undefined for one that land brings. */
  path: string | undefined;
  commands: readonly PluginCommand[];
  handlers: Handlers;
};

/** A plugin that cannot be used, and why. */
export type BrokenPlugin = {
  name: string;
  /** Absolute. */
  path: string;
  /** `plugin_invalid`, or what is wrong with the records. */
  error: LandError;
  /** The commands that it had when it was added. */
  commands: readonly string[];
};

/** All of them, by name. */
export type Plugins = { loaded: LoadedPlugin[]; broken: BrokenPlugin[] };

/** The part of the API that is made for each plugin by the command that loads it. */
export type ApiOf = (name: string) => Promise<Omit<PluginApi, "on" | "command">>;

/** How plugins are loaded. */
export type LoadOptions = {
  landHome: string;
  /** Those that land brings, by name. */
  bundled: Readonly<Record<string, () => Promise<{ default: Plugin }>>>;
  apiOf: ApiOf;
  /** Whether a word is taken by a command of land. */
  isBuiltIn: (command: string) => boolean;
  /** Names of flags that every command has, as typed without dashes. */
  globalFlags: readonly string[];
  signal: AbortSignal;
  watchdog?: Watchdog;
  /** How long each may take until it is set up; 5,000 by default. */
  setupMs?: number;
};

const SETUP_MS = 5000;

/**
 * Loads the plugins that land brings, then the user's, each by name. One that cannot be used is told of in `broken` and keeps
 * nothing of what it asked for; the others go on. What `land plugin add` brought and has other bytes now is not run.
 *
 * @throws cancelled
 */
export async function loadPlugins(options: LoadOptions): Promise<Plugins> {
  provideLandModule();
  const plugins: Plugins = { loaded: [], broken: [] };
  for (const [name, load] of Object.entries(options.bundled)) {
    const plugin = (await load()).default;
    plugins.loaded.push(await setUp({ plugin, name, path: undefined }, plugins.loaded, options));
  }
  for (const found of await findUsers(options.landHome, plugins))
    await settle(found, plugins, options);
  return {
    loaded: plugins.loaded.toSorted(byName),
    broken: plugins.broken.toSorted(byName),
  };
}

type Known = { found: FoundPlugin; record: PluginRecord | undefined };

/** The user's plugins with what is recorded of them. Where these, or the folder, are not readable, none is run. */
async function findUsers(landHome: string, { broken }: Plugins): Promise<Known[]> {
  let all: FoundPlugin[] = [];
  try {
    all = await findPlugins(landHome);
    const records = await readRecords(landHome);
    for (const [name, record] of records)
      if (!all.some((found) => found.name === name))
        broken.push(brokenOf({ name, path: "" }, record, "its file is gone"));
    return all.map((found) => ({ found, record: records.get(found.name) }));
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
    const path = pluginsFolder(landHome);
    for (const one of all.length > 0 ? all : [{ name: "plugins", path }])
      broken.push({ name: one.name, path: one.path, error, commands: [] });
    return [];
  }
}

async function settle(known: Known, plugins: Plugins, options: LoadOptions): Promise<void> {
  const { found, record } = known;
  try {
    if (Object.hasOwn(options.bundled, found.name))
      throw invalid(found.name, "land brings a plugin of that name");
    if (found.problem !== undefined) throw invalid(found.name, found.problem);
    if (record) await requireSame(found, record);
    const plugin = await importPlugin(found, limitOf(options));
    const { name, path } = found;
    plugins.loaded.push(await setUp({ plugin, name, path }, plugins.loaded, options));
  } catch (error) {
    if (!(error instanceof LandError) || options.signal.aborted) throw error;
    plugins.broken.push({ ...found, error, commands: record?.commands ?? [] });
  }
}

/** @throws plugin_invalid */
async function requireSame(found: FoundPlugin, record: PluginRecord): Promise<void> {
  if (found.file === record.file && (await hashFile(found.path)) === record.sha256) return;
  throw fail("plugin_invalid", {
    plugin: found.name,
    problem: "its file is not the one that was added",
    hint: `Look at "${found.path}"; if the change is yours, run \`land plugin add\` with it again`,
  });
}

/** Hex SHA-256 of a file. @throws file_failed */
async function hashFile(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  try {
    hasher.update(await Bun.file(path).bytes());
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    throw fileFailed("read", path, cause);
  }
  return hasher.digest("hex");
}

/** What a file exports, where that is a plugin of the file's name. @throws plugin_invalid */
async function importPlugin({ name, path }: FoundPlugin, limit: Limit): Promise<Plugin> {
  const plugin = await readPlugin(name, path, limit);
  if (plugin.name === name) return plugin;
  throw invalid(name, `it calls itself "${printable(plugin.name)}": name its file so`);
}

/** What the file at `path` exports. `name` is how it is called where it is told of. @throws plugin_invalid */
export async function readPlugin(name: string, path: string, limit: Limit): Promise<Plugin> {
  let module: { default?: unknown };
  try {
    const what = `Cannot load the plugin "${name}": its file`;
    module = await withinLimit(what, limit, () => import(pathToFileURL(path).href));
  } catch (error) {
    limit.signal.throwIfAborted();
    throw fail("plugin_invalid", { plugin: name, problem: problemOf(error) }, { cause: error });
  }
  const plugin = module.default;
  if (isPlugin(plugin)) return plugin;
  const problem =
    plugin === undefined
      ? "it has no default export"
      : "its default export is no plugin: { name, setup(land) { … } }";
  throw invalid(name, problem);
}

function isPlugin(value: unknown): value is Plugin {
  if (!isMap(value)) return false;
  const { name, setup, description } = value;
  const isDescribed = description === undefined || typeof description === "string";
  return typeof name === "string" && typeof setup === "function" && isDescribed;
}

/** A plugin to set up: what it is, and as what it is known. */
export type Candidate = { plugin: Plugin; name: string; path: string | undefined };

/**
 * Calls the `setup` of a plugin and answers what it asked for. Commands that land has, or one of `others`, are refused.
 *
 * @throws plugin_invalid
 */
export async function setUp(
  { plugin, name, path }: Candidate,
  others: readonly LoadedPlugin[],
  options: Omit<LoadOptions, "landHome" | "bundled">,
): Promise<LoadedPlugin> {
  const problem = problemOfName(name);
  if (problem !== undefined) throw invalid(name, problem);
  const registrar = createRegistrar(others, options);
  const limit = limitOf(options, path !== undefined);
  try {
    const api = Object.freeze({ ...(await options.apiOf(name)), ...registrar.verbs });
    const what = `Cannot load the plugin "${name}": its setup`;
    await withinLimit(what, limit, () => plugin.setup(api));
  } catch (error) {
    options.signal.throwIfAborted();
    throw fail("plugin_invalid", { plugin: name, problem: problemOf(error) }, { cause: error });
  } finally {
    registrar.close();
  }
  const { description } = plugin;
  return { name, description, path, ...registrar.collected };
}

/** How long one of these may take until it is set up. */
export function limitOf(
  { setupMs = SETUP_MS, signal, watchdog }: Pick<LoadOptions, "setupMs" | "signal" | "watchdog">,
  watched = true,
): Limit {
  return { limitMs: setupMs, signal, watchdog: watched ? watchdog : undefined };
}

function invalid(plugin: string, problem: string): LandError {
  return fail("plugin_invalid", { plugin: printable(plugin), problem });
}

function brokenOf(
  { name, path }: { name: string; path: string },
  { commands }: PluginRecord,
  problem: string,
): BrokenPlugin {
  return { name, path, error: invalid(name, problem), commands };
}
