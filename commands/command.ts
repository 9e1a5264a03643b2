/**
 * `commands/` is what people type: one file is one subcommand, the rest is what all of them share.
 * `src/main.ts` calls it. It must never hold a rule of the registry: a command asks, knocks at a lower layer, and renders.
 */
import { readArgs } from "./argv.ts";
import type { Context } from "./context.ts";
import type { Globals } from "./globals.ts";

/** A flag that is there or not. `default: true` makes it one that is turned off, and is named so (`--no-color`). */
export type BooleanFlag = { type: "boolean"; about: string; short?: string; default?: true };
/** A flag with a value. `value` is its placeholder in the help, `oneOf` the only texts it takes. */
export type TextFlag = {
  type: "text" | "list";
  about: string;
  value: string;
  short?: string;
  oneOf?: readonly string[];
};
/** An argument by its place. `many` takes at least one, `any` takes none as well; either must come last. */
export type Positional = {
  type: "one" | "optional" | "many" | "any";
  about: string;
  /** Its name in the help where the key would not do. */
  name?: string;
};
/** A flag or an argument. Flags are read from `LAND_<FLAG>` too, but for those with `env: false`, which a lower layer reads itself. */
export type Arg = ((BooleanFlag | TextFlag) & { env?: false }) | Positional;
/** By its name in code: `passwordStdin` is typed `--password-stdin`. */
export type Args = Readonly<Record<string, Arg>>;

/** What a command is told. A list or `many` that was not given is empty. */
export type Values<A extends Args> = {
  readonly [K in keyof A]: A[K]["type"] extends "boolean"
    ? boolean
    : A[K]["type"] extends "one"
      ? string
      : A[K]["type"] extends "text" | "optional"
        ? WordOf<A[K]> | undefined
        : readonly WordOf<A[K]>[];
};

type WordOf<T extends Arg> = T extends { oneOf: readonly (infer Word extends string)[] }
  ? Word
  : string;

/** What a command leaves: a value for programs, text for people. */
export type Outcome = {
  /** What `--json` prints; nothing where undefined, as a program that was run has written for itself. */
  value: unknown;
  /** What goes to stdout otherwise, without the last newline; nothing where undefined or empty. */
  text?: string | undefined;
  /** Where the command finished but the answer is no. 0 by default. */
  exitCode?: number;
};

/** One subcommand, as its file writes it. */
export type Definition<A extends Args> = {
  /** What else `--help` says, in whole sentences. */
  more?: string;
  /** Lines to paste, each with what it does after ` # `. */
  examples: readonly string[];
  args: A;
  run: (context: Context, args: Values<A>) => Promise<Outcome | undefined>;
};

/** A command whose arguments are no longer part of its type, so that all fit in one table. */
export type Command = Omit<Definition<Args>, "run"> & {
  /**
   * Reads the arguments, then runs with the context made for the global flags among them.
   *
   * @throws usage, and whatever the command throws
   */
  invoke: (
    argv: readonly string[],
    env: Env,
    contextOf: (globals: Globals) => Promise<Context>,
  ) => Promise<Outcome | undefined>;
};

/** Variables of the environment. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Makes a command. Its arguments are read strictly: an unknown flag or one argument too many is `usage`. */
export function defineCommand<const A extends Args>(definition: Definition<A>): Command {
  const { run, ...rest } = definition;
  return {
    ...rest,
    async invoke(argv, env, contextOf) {
      const values = readArgs(definition.args, argv, env);
      return run(await contextOf(values), values);
    },
  };
}
