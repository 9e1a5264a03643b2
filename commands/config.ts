import { resolve } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { userFile } from "#remote/config/file.ts";
import type { LoadedConfig } from "#remote/config/load.ts";
import { CLIENT_SETTINGS, type ClientKey } from "#remote/config/model.ts";
import { findConfigFolder } from "#remote/config/project.ts";
import { CLIENT_KEYS, isClientKey, settingOf, variableOfSetting } from "#remote/config/settings.ts";
import { maskSetting, renderSetting } from "#remote/config/value.ts";
import { writeProjectSetting, writeUserSetting } from "#remote/config/write.ts";

import { defineCommand } from "./command.ts";
import { homeOf } from "./connect.ts";
import type { Context } from "./context.ts";
import { findNearest } from "./nearest.ts";
import type { Style } from "./render.ts";
import { loadSettings } from "./settings.ts";

const key = { type: "one", about: "Name of the setting, such as network.concurrency" } as const;
const project = {
  type: "boolean",
  about: "In land.json, for all who work on the project",
} as const;

/** Shows every setting: its value, where it comes from, what it is. */
export const list = defineCommand({
  more: 'With --json {"settings":[{"key","value","origin","default","about"}]}, in bytes, days and seconds. No password is shown.',
  examples: ["land config list", "land config list --json"],
  args: {},
  async run(context) {
    const loaded = await settingsFor(context);
    const settings = CLIENT_KEYS.map((name) => ({
      ...describe(loaded, name),
      default: settingOf(name).default,
      about: settingOf(name).about,
    }));
    const blocks = CLIENT_KEYS.map((name) => renderBlock(loaded, name, context.style));
    return { value: { settings }, text: blocks.join("\n") };
  },
});

/** Prints the value of a setting. */
export const get = defineCommand({
  more: 'With --json: {"key","value","origin"}. A list is printed one a line.',
  examples: ["land config get network.concurrency", "land config get registry.default --json"],
  args: { key },
  async run(context, args) {
    const name = settleKey(args.key);
    const loaded = await settingsFor(context);
    const value = loaded.config[name];
    const text =
      typeof value === "object"
        ? value.map((item) => printable(item)).join("\n")
        : renderSetting(name, value);
    return { value: describe(loaded, name), text };
  },
});

/** Changes a setting of the user, or of the project. */
export const set = defineCommand({
  more: "Sizes are 500MB or 5GB, times 90d or 30s, lists have commas. A project cannot set what grants trust.",
  examples: [
    "land config set registry.default https://land.example.com",
    "land config set cache.maxSize 20GB",
    "land config set security.minimumAge 7d --project # for all who work on it",
  ],
  args: { key, value: { type: "one", about: "The value" }, project },
  async run(context, args) {
    const name = settleKey(args.key);
    const isPath = name === "network.ca" && args.value !== "";
    const text = isPath ? resolve(context.cwd, args.value) : args.value;
    const { path } = await write(context, name, text, args.project);
    context.say(`Set ${name} in ${printable(path)}`);
    // It is written, whatever is wrong with another setting.
    const loaded = await settingsFor(context).catch((error: unknown) => {
      if (!(error instanceof LandError) || error.code !== "config_invalid") throw error;
      context.warn(error.message);
    });
    if (loaded) warnOfHigher(context, loaded, name, args.project);
    return { value: { key: name, ...(loaded && describe(loaded, name)), file: path } };
  },
});

/** Takes a setting away, so that its default counts. */
export const unset = defineCommand({
  examples: ["land config unset network.proxy", "land config unset security.minimumAge --project"],
  args: { key, project },
  async run(context, args) {
    const name = settleKey(args.key);
    const { path, changed } = await write(context, name, undefined, args.project);
    context.say(
      changed ? `Removed ${name} from ${printable(path)}` : `${name} is not in ${printable(path)}`,
    );
    return { value: { key: name, removed: changed, file: path } };
  },
});

async function settingsFor(context: Context): Promise<LoadedConfig> {
  const loaded = await loadSettings(context);
  for (const warning of loaded.warnings) context.warn(warning);
  return loaded;
}

/** The setting that was named. @throws usage with the nearest one */
function settleKey(typed: string): ClientKey {
  if (isClientKey(typed)) return typed;
  const ends = CLIENT_KEYS.filter((name) => name.endsWith(`.${typed}`));
  const nearest = ends.length === 1 ? ends[0] : findNearest(typed, CLIENT_KEYS);
  throw fail("usage", {
    problem: `Cannot use "${printable(typed)}": there is no such setting`,
    hint: /^plugins\.[^.]+\./.test(typed)
      ? "Settings of a plugin stand in config.json in LAND_HOME, under `plugins` and its name"
      : hintFor(nearest),
  });
}

function hintFor(nearest: string | undefined): string {
  return nearest === undefined
    ? "See the settings with `land config list`"
    : `Did you mean \`${nearest}\`?`;
}

async function write(
  context: Context,
  name: ClientKey,
  text: string | undefined,
  inProject: boolean,
): ReturnType<typeof writeUserSetting> {
  if (!inProject) return writeUserSetting(homeOf(context), { key: name, text });
  return writeProjectSetting(await findConfigFolder(context.cwd), { key: name, text });
}

function describe({ config, origins }: LoadedConfig, name: ClientKey) {
  return { key: name, value: maskSetting(name, config[name]), origin: origins[name] };
}

function renderBlock({ config, origins }: LoadedConfig, name: ClientKey, style: Style): string {
  const value = renderSetting(name, config[name]);
  const shown = value === "" ? style.dim("none") : value;
  const origin = originOf(name, origins[name]);
  const from = origin === undefined ? "" : `  ${style.cyan(`(${origin})`)}`;
  return `${style.bold(name)} = ${shown}${from}\n  ${style.dim(CLIENT_SETTINGS[name].about)}`;
}

/** In the words of the user: the file or the variable. Nothing for a default. */
function originOf(name: ClientKey, origin: LoadedConfig["origins"][ClientKey]): string | undefined {
  const words = {
    default: undefined,
    user: "config.json",
    project: "land.json",
    environment: variableOfSetting(name),
    flag: "the command line",
  };
  return words[origin];
}

/** What was written may not be what counts. */
function warnOfHigher(
  context: Context,
  { origins }: LoadedConfig,
  name: ClientKey,
  inProject: boolean,
): void {
  const origin = origins[name];
  if (origin === (inProject ? "project" : "user")) return;
  if (inProject && origin !== "environment")
    context.warn(`The setting of the user is as strict, and counts: ${userFile(context.landHome)}`);
  else
    context.warn(`${originOf(name, origin) ?? "Another place"} sets ${name} too, and goes before`);
}
