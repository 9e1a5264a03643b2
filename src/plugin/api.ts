/**
 * `src/plugin` is what plugins see of land, and what loads them. Plugins import the types of this file from "land".
 * The commands call it. It must never load a plugin that the user did not put into `$LAND_HOME`, nor let one shadow a command of land.
 */
import type { HookEvents, HookName, HookPackage } from "#base/client-hooks.ts";

export type { HookEvents, HookName, HookPackage } from "#base/client-hooks.ts";

/** A plugin: `export default { name, setup(land) { … } } satisfies Plugin`. */
export type Plugin = {
  /** `[a-z0-9][a-z0-9-]*`, at most 40 characters. */
  name: string;
  /** Shown by `land plugin list`. */
  description?: string;
  /** Called once per run of a command. It has five seconds. */
  setup: (land: PluginApi) => void | Promise<void>;
};

/** What a plugin can do. */
export type PluginApi = {
  /** The version of land. */
  readonly version: string;
  /** The working folder of the command, absolute. */
  readonly cwd: string;
  /** The variables of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted where the user presses Ctrl-C: what takes long ends with it. */
  readonly signal: AbortSignal;
  /** The time. */
  now: () => Date;
  /** Calls the handler at an event. One of a `pre` event refuses by throwing: the message is shown. Only during `setup`. */
  on: <N extends HookName>(
    name: N,
    handler: (event: HookEvents[N]) => void | Promise<void>,
  ) => void;
  /** Adds a command. Only during `setup`. Throws where land or another plugin has one of that name */
  command: (command: PluginCommand) => void;
  /** What the user set for this plugin in `$LAND_HOME/config.json` under `plugins.<name>`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The project around the working folder: its manifest as JSON, lock and tree. Throws where there is none */
  project: () => Promise<PluginProject>;
  /** What its registry tells of a version. Throws where it cannot be asked or does not know it */
  describe: (version: HookPackage) => Promise<PluginDescription>;
  /** Puts a text into a file, whole or not at all. A relative path begins at `cwd`. Throws where it cannot be written */
  writeFile: (path: string, text: string) => Promise<void>;
  /** A line to the user on stderr. */
  say: (line: string) => void;
  warn: (line: string) => void;
  /** An error to throw in a command: shown as land shows its own, with its exit code and, with --json, as its problem. */
  error: <C extends keyof PluginErrors>(code: C, about: PluginErrors[C]) => Error;
};

/** Errors of land that a plugin may throw. Whatever else its commands throw is `plugin_failed`, exit code 1. */
export type PluginErrors = {
  /** Exit code 2. */
  usage: { problem: string; hint?: string };
  /** Exit code 1: `Cannot find <what>`. */
  not_found: { what: string };
  /** Exit code 1: `Cannot accept <what>: <problems>`. */
  policy_violated: { what: string; problems: readonly string[] };
};

/** A command that a plugin adds. */
export type PluginCommand = {
  /** What is typed after `land`: `[a-z][a-z0-9-]*`. */
  name: string;
  /** One line for the help. */
  about: string;
  /** What else its help says, in whole sentences. */
  more?: string;
  /** Lines to paste, each with what it does after ` # `. */
  examples?: readonly string[];
  /** By name as typed without dashes; a flag that is not named here is refused. */
  flags?: Readonly<Record<string, PluginFlag>>;
  /** Names of its arguments by place, for the help; any number is passed on. */
  arguments?: string;
  run: (input: {
    flags: Readonly<Record<string, string | boolean | undefined>>;
    args: readonly string[];
  }) => Promise<PluginOutcome> | PluginOutcome;
};

/** A flag of a command. */
export type PluginFlag = {
  type: "boolean" | "text";
  about: string;
  /** Placeholder of a text in the help. */
  value?: string;
  /** One letter: `o` is typed `-o`. */
  short?: string;
  /** The only texts it takes. */
  oneOf?: readonly string[];
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
  /** Names of the packages that the project, and each member of its workspace, asks for itself; sorted. */
  requirements: readonly string[];
  /** Sorted by name. */
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

/** A version as its registry tells of it. */
export type PluginDescription = {
  name: string;
  version: string;
  description: string;
  /** As its manifest says; empty where it says nothing. */
  license: string;
  /** `sha256:<hex>`. */
  digest: string;
  yanked: boolean;
  /** Why it should not be used any more; undefined where it may be. */
  deprecated: string | undefined;
  /** ISO 8601. */
  publishedAt: string;
};
