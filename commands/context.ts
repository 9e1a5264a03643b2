import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";

import type { ClientConfig } from "#remote/config/model.ts";
import type { Keychain } from "#remote/keychain.ts";

import type { Env } from "./command.ts";
import type { Globals } from "./globals.ts";
import { createStyle, type Style } from "./render.ts";
import { loadSettings } from "./settings.ts";

/** A stream of the process, or one of a test, that is read. */
export type Input = Readable & { isTTY?: boolean };
/** A stream that is written to; `columns` where it is a terminal. */
export type Output = Writable & { isTTY?: boolean; columns?: number };
/** What the operating system can ask of a running command. */
export type Signal = "SIGINT" | "SIGTERM";

/** Everything outside that a command can reach. `src/main.ts` makes the real one. */
export type World = {
  argv: readonly string[];
  env: Env;
  /** The working folder, absolute. */
  cwd: string;
  /** The user's home folder. */
  home: string;
  /** The program that runs, for what it has to start itself. */
  binary: string;
  stdin: Input;
  stdout: Output;
  stderr: Output;
  now: () => Date;
  random: (bytes: number) => Uint8Array;
  /** Calls `handler` at each signal, instead of what the system would do. Returns the way to stop. */
  onSignal: (handler: (signal: Signal) => void) => () => void;
  /** Calls `handler` with what was thrown where nobody catches, instead of ending the process. Returns the way to stop. */
  onCrash: (handler: (cause: unknown) => void) => () => void;
  /** Ends the process at once. */
  exit: (code: number) => void;
  /** Where the system keeps secrets; without it tokens are in a file. */
  keychain?: Keychain;
  /** Shows an address in the user's browser; false where there is none to be found. */
  openBrowser: (url: string) => Promise<boolean>;
};

/** What one command works with. */
export type Context = {
  world: World;
  env: Env;
  globals: Globals;
  /** Where to work: the working folder, or `--cwd`. Absolute. */
  cwd: string;
  /** `LAND_HOME`, by default `~/.land`. Absolute. */
  landHome: string;
  now: () => Date;
  /** Aborted by Ctrl-C and SIGTERM: requests and prompts end with it. */
  signal: AbortSignal;
  /** Takes over what happens at a signal; by default the first aborts `signal`, the second ends the process. */
  takeSignals: (handler: (signal: Signal) => void) => void;
  /** Whether someone is there to be asked. */
  interactive: boolean;
  /** Whether a pipeline of a CI service runs us. */
  ci: boolean;
  /** Whether stdout is for a program. */
  json: boolean;
  /** How text on stdout may look. */
  style: Style;
  /** A line to the user on stderr; nothing with --quiet or --json. */
  say: (line: string) => void;
  /** A `warning: …` on stderr; nothing with --quiet. */
  warn: (line: string) => void;
  /**
   * The settings of the client, read once, when first asked for. `registry.default` is the user's default, whatever `--registry` says.
   *
   * @throws config_invalid, config_version_unknown, file_failed
   */
  config: () => Promise<ClientConfig>;
};

/** Makes the context of a command from the world and its global flags. */
export function createContext(
  world: World,
  globals: Globals,
  signal: AbortSignal,
  takeSignals: Context["takeSignals"],
): Context {
  const { env, stdout, stderr } = world;
  const json = globals.json || globals.jsonl;
  const ci = isCi(env);
  const talk = createStyle(stderr, env, globals);
  const cwd = globals.cwd === undefined ? world.cwd : resolve(world.cwd, globals.cwd);
  const landHome = landHomeOf(world);
  const warn = (line: string): void =>
    void (globals.quiet || stderr.write(`${talk.yellow("warning:")} ${line}\n`));
  let settings: Promise<ClientConfig> | undefined;
  return {
    world,
    env,
    globals,
    cwd,
    landHome,
    now: world.now,
    signal,
    takeSignals,
    // In this order: to look at stdin opens it, which takes a millisecond.
    interactive: !json && !ci && stdout.isTTY === true && world.stdin.isTTY === true,
    ci,
    json,
    style: createStyle(stdout, env, globals),
    say: (line) => void (globals.quiet || json || stderr.write(`${line}\n`)),
    warn,
    config: () =>
      (settings ??= loadSettings({ env, cwd, landHome }).then(({ config, warnings }) => {
        for (const text of warnings) warn(text);
        return config;
      })),
  };
}

/** `LAND_HOME`, by default `~/.land`. Absolute. */
export function landHomeOf({ env, cwd, home }: Pick<World, "env" | "cwd" | "home">): string {
  return env["LAND_HOME"] ? resolve(cwd, env["LAND_HOME"]) : join(home, ".land");
}

/** Whether `CI` is set to anything but a no. */
function isCi(env: Env): boolean {
  return !/^(?:|0|false|no|off)$/i.test(env["CI"] ?? "");
}
