import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { isMap, type JsonMap } from "#pack/json.ts";

import { readUserFile, userFile } from "./file.ts";
import type { ClientConfig, ClientKey, ConfigOrigin } from "./model.ts";
import { readProjectConfig } from "./project.ts";
import { CLIENT_KEYS, isClientKey, settingOf, variableOfSetting } from "./settings.ts";
import { parseSetting, type SettingValue } from "./value.ts";

/** Where the settings come from, lowest first: defaults < config.json < land.json < environment < flags. */
export type ClientConfigSources = {
  /** `$LAND_HOME`, absolute. */
  landHome: string;
  env: Readonly<Record<string, string | undefined>>;
  /** The folder whose land.json may set some, absolute. */
  project?: string;
  /** Values of the command line by key, as typed. */
  flags?: Readonly<Partial<Record<ClientKey, string>>>;
};

/** The settings in use, where each comes from, and what to tell the user of the files. */
export type LoadedConfig = {
  config: ClientConfig;
  origins: Record<ClientKey, ConfigOrigin>;
  warnings: string[];
};

/**
 * Merges the layers and checks each value.
 *
 * @throws config_invalid for a value that is not one, or that a project may not set, naming key and source;
 * config_version_unknown, file_failed
 */
export async function loadConfig(sources: ClientConfigSources): Promise<LoadedConfig> {
  const { env, flags = {} } = sources;
  const path = userFile(sources.landHome);
  const user = flatten((await readUserFile(path)) ?? {}, path);
  const told = sources.project === undefined ? {} : await readProjectConfig(sources.project);
  const project = flatten(told, "land.json");
  const values: Record<string, SettingValue> = {};
  const origins: Partial<Record<ClientKey, ConfigOrigin>> = {};
  for (const key of CLIENT_KEYS)
    [values[key], origins[key]] = settle(key, { env, flags, path, user, project });
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key went through `parseSetting`
    config: Object.freeze(values) as ClientConfig,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key was set above
    origins: origins as Record<ClientKey, ConfigOrigin>,
    warnings: [...user.unknown, ...project.unknown],
  };
}

type Layer = { known: ReadonlyMap<ClientKey, unknown>; unknown: string[] };

function settle(
  key: ClientKey,
  layers: Required<Pick<ClientConfigSources, "env" | "flags">> & {
    path: string;
    user: Layer;
    project: Layer;
  },
): [SettingValue, ConfigOrigin] {
  const { flags, env, user, project, path } = layers;
  if (project.known.has(key)) refuseTrust(key);
  if (flags[key] !== undefined) return [parseSetting(key, flags[key], "the command line"), "flag"];
  const variable = variableOfSetting(key);
  if (env[variable]) return [parseSetting(key, env[variable], variable), "environment"];
  const own: [SettingValue, ConfigOrigin] = user.known.has(key)
    ? [parseSetting(key, user.known.get(key), path), "user"]
    : [settingOf(key).default, "default"];
  if (!project.known.has(key)) return own;
  const wanted = parseSetting(key, project.known.get(key), "land.json");
  const counts = settingOf(key).project === "yes" || isStricter(key, wanted, own[0]);
  return counts ? [wanted, "project"] : own;
}

/** Refuses what a project may not set: what grants trust is the user's alone. @throws config_invalid */
export function refuseTrust(key: ClientKey): void {
  if (settingOf(key).project !== "no") return;
  const problem = `a project may not set it: that is for the user alone, with \`land config set ${key}\``;
  throw fail("config_invalid", { key, source: "land.json", problem });
}

/** Whether a project asks for more safety than the user has. */
function isStricter(key: ClientKey, wanted: SettingValue, own: SettingValue): boolean {
  if (typeof wanted === "number" && typeof own === "number") return wanted > own;
  if (typeof wanted === "boolean") return wanted && own === false;
  // A second checksum is more than none; of two kinds neither is.
  return wanted !== own && own === settingOf(key).default;
}

/** The settings of a tree of sections, by their names. What no land of this version knows is told, and otherwise let be. */
function flatten(tree: JsonMap, source: string): Layer {
  const known = new Map<ClientKey, unknown>();
  const unknown: string[] = [];
  for (const [section, value] of Object.entries(tree)) {
    if (section === "version" || section === "$schema") continue;
    const leaves: [string, unknown][] = isMap(value)
      ? Object.entries(value).map(([name, leaf]) => [`${section}.${name}`, leaf])
      : [[section, value]];
    for (const [key, leaf] of leaves) {
      if (isClientKey(key)) known.set(key, leaf);
      // What a plugin is told stands under its name.
      else if (section !== "plugins" || !isMap(leaf))
        unknown.push(`There is no setting "${printable(key)}"; it is in ${printable(source)}`);
    }
  }
  return { known, unknown };
}
