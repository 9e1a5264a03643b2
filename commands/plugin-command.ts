import { fail, LandError, toLandError } from "#base/errors.ts";
import type { PluginCommand, PluginFlag } from "#plugin/api.ts";
import type { LoadedPlugin } from "#plugin/load.ts";
import { problemOf, showable, showableText } from "#plugin/words.ts";

import type { Entry } from "./all.ts";
import { type Args, type Command, defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { pluginsOf, warnOfBroken } from "./plugins.ts";

/** Variables that land reads for itself: no flag of a plugin is read from one of them. */
const OWN_VARIABLES = new Set(["home", "token", "registry", "signing-key", "lock-timeout"]);
/** How a key of an argument cannot be spelled by a flag of a plugin. */
const PLACES = " places";

/** The commands that the plugins of a run add, by name, as the table of all commands has its own. */
async function pluginCommands(context: Context): Promise<Record<string, Entry>> {
  const { loaded } = await pluginsOf(context);
  const entries = loaded.flatMap((plugin) =>
    plugin.commands.map((command): [string, Entry] => [command.name, entryOf(plugin, command)]),
  );
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same for the list of all, which broken plugins do not spoil: it warns of them. */
export async function allPluginCommands(context: Context): Promise<Record<string, Entry>> {
  try {
    const entries = await pluginCommands(context);
    warnOfBroken(context, await pluginsOf(context));
    return entries;
  } catch (error) {
    context.signal.throwIfAborted();
    context.warn(showable(toLandError(error).message));
    return {};
  }
}

/**
 * The commands of plugins, for words that are no command of land. Tells of broken plugins.
 *
 * @throws plugin_invalid where such a command was added by a plugin that is broken now
 */
export async function requirePluginCommands(
  context: Context,
  word: string,
): Promise<Record<string, Entry>> {
  const entries = await pluginCommands(context);
  if (Object.hasOwn(entries, word)) return entries;
  const plugins = await pluginsOf(context);
  const owner = plugins.broken.find(({ commands }) => commands.includes(word));
  if (owner) throw owner.error;
  warnOfBroken(context, plugins);
  return entries;
}

function entryOf(plugin: LoadedPlugin, command: PluginCommand): Entry {
  const made = commandOf(plugin, command);
  return { about: showable(command.about), section: "Client", load: async () => made };
}

function commandOf(plugin: LoadedPlugin, command: PluginCommand): Command {
  const { name, more, examples, flags = {}, arguments: places } = command;
  const args: Args = {
    ...(places !== undefined && {
      [PLACES]: { type: "any", about: `What \`land ${name}\` is about`, name: showable(places) },
    }),
    ...Object.fromEntries(Object.entries(flags).map(([flag, about]) => [flag, argOf(flag, about)])),
  };
  return defineCommand({
    more: [more, `The plugin "${plugin.name}" adds this command.`]
      .map((text) => showable(text ?? ""))
      .join("\n")
      .trim(),
    examples: (examples ?? []).map(showable),
    args,
    async run({ signal }, values) {
      const given: Readonly<Record<string, unknown>> = values;
      const typed = given[PLACES];
      const input = {
        flags: Object.fromEntries(Object.keys(flags).map((flag) => [flag, textOf(given[flag])])),
        args: Array.isArray(typed) ? typed.map(String) : [],
      };
      return perform(plugin, command, signal, input);
    },
  });
}

function argOf(name: string, flag: PluginFlag): Args[string] {
  const { short, oneOf } = flag;
  const common = {
    about: showable(flag.about),
    ...(short !== undefined && { short }),
    ...(OWN_VARIABLES.has(name) && { env: false as const }),
  };
  if (flag.type === "boolean") return { ...common, type: "boolean" };
  const value = showable(flag.value ?? "TEXT");
  return { ...common, type: "text", value, ...(oneOf && { oneOf }) };
}

function textOf(value: unknown): string | boolean | undefined {
  return typeof value === "string" || typeof value === "boolean" ? value : undefined;
}

/** @throws plugin_failed, cancelled, and what the plugin throws of land's own */
async function perform(
  plugin: LoadedPlugin,
  command: PluginCommand,
  signal: AbortSignal,
  input: Parameters<PluginCommand["run"]>[0],
) {
  const what = `land ${command.name}`;
  try {
    const { value, text, exitCode } = await command.run(input);
    // What is no JSON is the plugin's fault, whether or not it is printed.
    JSON.stringify(value);
    if (text !== undefined && typeof text !== "string") throw new TypeError("its text is none");
    return {
      value: value ?? null,
      ...(text !== undefined && { text: showableText(text) }),
      ...(exitCode !== undefined && { exitCode: Number.isInteger(exitCode) ? exitCode & 255 : 1 }),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LandError) throw error;
    throw fail(
      "plugin_failed",
      { plugin: plugin.name, what, problem: problemOf(error) },
      { cause: error },
    );
  }
}
