/**
 * `src/plugin` is what plugins see of land, and what loads them. Plugins import the types of this file from "land".
 * The commands call it. It must never load a plugin that the user did not put into `$LAND_HOME`, nor let one shadow a command of land.
 */
import type { HookEvents, HookName } from "#base/client-hooks.ts";

export type { HookChange, HookEvents, HookName, HookPackage } from "#base/client-hooks.ts";

/** A plugin: `export default { name, setup(land) { … } } satisfies Plugin`. */
export type Plugin = {
  /** `[a-z0-9][a-z0-9-]*`, at most 40 characters. */
  name: string;
  /** Shown by `land plugin list`. */
  description?: string;
  /** Called once per run of a command. */
  setup: (land: PluginApi) => void | Promise<void>;
};

/** What a plugin can do. */
export type PluginApi = {
  /** The version of land. */
  readonly version: string;
  /** The working folder of the command, absolute. */
  readonly cwd: string;
  /** Calls the handler at an event. One of a `pre` event refuses by throwing: the message is shown. */
  on: <N extends HookName>(
    name: N,
    handler: (event: HookEvents[N]) => void | Promise<void>,
  ) => void;
  /** Adds a command. @throws where land or another plugin has one of that name */
  command: (command: PluginCommand) => void;
  /** What the user set for this plugin in `$LAND_HOME/config.json` under `plugins.<name>`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The project around the working folder: its manifest as JSON, lock and tree. @throws where there is none */
  project: () => Promise<PluginProject>;
  /** A line to the user on stderr. */
  say: (line: string) => void;
  warn: (line: string) => void;
};

/** A command that a plugin adds. */
export type PluginCommand = {
  /** What is typed after `land`. */
  name: string;
  /** One line for the help. */
  about: string;
  /** By name as typed without dashes; a flag that is not named here is refused. */
  flags?: Readonly<Record<string, { type: "boolean" | "text"; about: string; value?: string }>>;
  /** Names of its arguments by place, for the help; any number is passed on. */
  arguments?: string;
  run: (input: {
    flags: Readonly<Record<string, string | boolean | undefined>>;
    args: readonly string[];
  }) => Promise<PluginOutcome> | PluginOutcome;
};

/** `value` is what --json prints, `text` what people read. */
export type PluginOutcome = { value: unknown; text?: string; exitCode?: number };

/** The project as it is locked and installed. */
export type PluginProject = {
  /** Absolute. */
  dir: string;
  manifest: Readonly<Record<string, unknown>>;
  /** Absolute. */
  installDir: string;
  packages: readonly PluginPackage[];
};

/** A package of the lock. */
export type PluginPackage = {
  name: string;
  version: string;
  registry: string;
  /** `sha256:<hex>`. */
  digest: string;
  dependencies: readonly string[];
  /** Where it is installed, absolute; undefined where it is not. */
  dir: string | undefined;
  /** Its manifest where it is installed. */
  manifest: Readonly<Record<string, unknown>> | undefined;
};
