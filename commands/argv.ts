import { type ArgsDef, parseArgs } from "citty";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import type { Arg, Args, BooleanFlag, Env, Positional, TextFlag, Values } from "./command.ts";
import { globalArgs, type Globals } from "./globals.ts";
import { findNearest } from "./nearest.ts";

type Flag = Exclude<Arg, Positional>;

/**
 * Reads the arguments of a command, its own and the global ones. citty lets unknown flags pass, takes the last of a
 * repeated one and strips whatever looks like `--no-x`, even where it is a value; so it only ever sees arguments in
 * one strict form, made by {@link canonicalise}.
 *
 * @throws usage naming what is wrong and, for an unknown flag, the nearest known one
 */
export function readArgs<A extends Args>(
  args: A,
  argv: readonly string[],
  env: Env,
): Values<A> & Globals {
  const all: Args = { ...globalArgs, ...args };
  const { flags: typed, rest } = canonicalise(all, argv);
  const flags = [...typed];
  for (const [key, arg] of Object.entries(all))
    if (isFlag(arg)) flags.push(...fromEnv(key, arg, env, typed));
  const parsed = parseArgs([...flags, "--", ...rest], toCitty(all));
  const values: Record<string, unknown> = placeArguments(args, rest);
  for (const [key, arg] of Object.entries(all)) {
    if (!isFlag(arg)) continue;
    if (arg.type === "list") values[key] = listOf(flagName(key), flags);
    else values[key] = arg.type === "boolean" ? parsed[key] === true : parsed[key];
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built key by key from `args`, as the type is
  return values as Values<A> & Globals;
}

/** `passwordStdin` → `password-stdin`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What is typed: `--password-stdin`, or `--no-color` for a flag that is on by default. */
export function spelling(key: string, flag: Flag): string {
  return isNegative(flag) ? `--no-${flagName(key)}` : `--${flagName(key)}`;
}

/** The environment variable of a flag: `--password-stdin` → `LAND_PASSWORD_STDIN`. */
export function variableOf(key: string, flag: Flag): string {
  return `LAND_${spelling(key, flag).slice(2).replaceAll("-", "_").toUpperCase()}`;
}

/** Whether it is a flag and not an argument by place. */
export function isFlag(arg: Arg): arg is Flag {
  return arg.type === "boolean" || arg.type === "text" || arg.type === "list";
}

function isNegative(flag: Flag): flag is BooleanFlag {
  return flag.type === "boolean" && flag.default === true;
}

/** Each flag becomes one `--flag`, `--no-flag` or `--flag=value`; what is no flag, or comes after `--`, is `rest`. */
function canonicalise(args: Args, argv: readonly string[]): { flags: string[]; rest: string[] } {
  const flags: string[] = [];
  const rest: string[] = [];
  const queue = [...argv];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") {
      rest.push(...queue);
      break;
    }
    if (word.startsWith("--")) flags.push(readLong(args, word, queue));
    else if (word.startsWith("-") && word !== "-") flags.push(...readShort(args, word, queue));
    else rest.push(word);
  }
  return { flags, rest };
}

function readLong(args: Args, word: string, queue: string[]): string {
  const at = word.indexOf("=");
  const typed = at < 0 ? word : word.slice(0, at);
  const found = findFlag(args, (key) => `--${flagName(key)}` === typed);
  if (found) return withValue(found, typed, at < 0 ? undefined : word.slice(at + 1), queue);
  const off = findFlag(
    args,
    (key, flag) => flag.type === "boolean" && `--no-${flagName(key)}` === typed,
  );
  if (!off) throw unknownFlag(args, typed);
  if (at >= 0) throw fail("usage", { problem: `Cannot use ${typed}: it takes no value` });
  return typed;
}

/** `-yq`, `-o file` or `-ofile`. */
function readShort(args: Args, word: string, queue: string[]): string[] {
  const flags: string[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    const found = findFlag(args, (_key, flag) => flag.short === letter);
    if (!found) throw unknownFlag(args, `-${letter}`);
    const attached = found.flag.type === "boolean" ? "" : word.slice(at + 1).replace(/^=/, "");
    flags.push(withValue(found, `-${letter}`, attached === "" ? undefined : attached, queue));
    if (found.flag.type !== "boolean") break;
  }
  return flags;
}

type Found = { key: string; flag: Flag };

function findFlag(args: Args, test: (key: string, flag: Flag) => boolean): Found | undefined {
  for (const [key, flag] of Object.entries(args))
    if (isFlag(flag) && test(key, flag)) return { key, flag };
  return undefined;
}

function withValue(
  found: Found,
  typed: string,
  attached: string | undefined,
  queue: string[],
): string {
  const { key, flag } = found;
  if (flag.type === "boolean") {
    if (attached === undefined) return `--${flagName(key)}`;
    throw fail("usage", { problem: `Cannot use ${typed}: it takes no value` });
  }
  const next = queue[0];
  const value = attached ?? (next !== undefined && !/^-./.test(next) ? queue.shift() : undefined);
  if (value === undefined)
    throw fail("usage", {
      problem: `Cannot use ${typed}: it needs a value`,
      hint:
        next === undefined
          ? `Write ${typed} ${flag.value}`
          : `A value that begins with \`-\` is written ${typed}=VALUE`,
    });
  return `--${flagName(key)}=${checkValue(flag, typed, value)}`;
}

function checkValue(flag: TextFlag, source: string, value: string): string {
  if (!flag.oneOf || flag.oneOf.includes(value)) return value;
  const nearest = findNearest(value, flag.oneOf);
  throw fail("usage", {
    problem: `Cannot use "${printable(value)}" for ${source}: it is none of ${flag.oneOf.join(", ")}`,
    ...(nearest !== undefined && { hint: `Did you mean \`${nearest}\`?` }),
  });
}

/** What the environment says of a flag that was not typed, in canonical form. A list is separated by commas. */
function fromEnv(
  key: string,
  flag: Flag & { env?: false },
  env: Env,
  typed: readonly string[],
): string[] {
  const name = flagName(key);
  const value = env[variableOf(key, flag)];
  const given = (word: string): boolean =>
    word === `--${name}` || word === `--no-${name}` || word.startsWith(`--${name}=`);
  if (flag.env === false || value === undefined || value === "" || typed.some(given)) return [];
  const variable = variableOf(key, flag);
  if (flag.type === "text") return [`--${name}=${checkValue(flag, variable, value)}`];
  if (flag.type === "list")
    return value
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map((part) => `--${name}=${checkValue(flag, variable, part)}`);
  if (/^(?:0|false|no|off)$/i.test(value)) return [];
  if (/^(?:1|true|yes|on)$/i.test(value)) return [spelling(key, flag)];
  throw fail("usage", {
    problem: `Cannot use "${printable(value)}" for ${variable}: it is neither 1 nor 0`,
  });
}

function listOf(name: string, flags: readonly string[]): string[] {
  const start = `--${name}=`;
  return flags.filter((word) => word.startsWith(start)).map((word) => word.slice(start.length));
}

function toCitty(args: Args): ArgsDef {
  const entries = Object.entries(args).flatMap(([key, arg]): [string, ArgsDef[string]][] => {
    if (!isFlag(arg)) return [];
    if (arg.type !== "boolean") return [[key, { type: "string" }]];
    return [[key, { type: "boolean", ...(arg.default === true && { default: true }) }]];
  });
  return Object.fromEntries(entries);
}

function placeArguments(
  args: Args,
  given: readonly string[],
): Record<string, string | readonly string[] | undefined> {
  const places: Record<string, string | readonly string[] | undefined> = {};
  const left = [...given];
  for (const [key, arg] of Object.entries(args)) {
    if (isFlag(arg)) continue;
    if (left.length === 0 && (arg.type === "one" || arg.type === "many"))
      throw fail("usage", {
        problem: `Cannot run without <${arg.name ?? key}>: ${arg.about}`,
        hint: "See how it is used with --help",
      });
    places[key] = arg.type === "many" || arg.type === "any" ? left.splice(0) : left.shift();
  }
  const extra = left[0];
  if (extra !== undefined)
    throw fail("usage", {
      problem: `Cannot use "${printable(extra)}": it is one argument too many`,
    });
  return places;
}

function unknownFlag(args: Args, typed: string): Error {
  const known = Object.entries(args).flatMap(([key, arg]) =>
    isFlag(arg) ? [`--${flagName(key)}`, spelling(key, arg)] : [],
  );
  const nearest = findNearest(typed, known);
  return fail("usage", {
    problem: `Cannot use ${printable(typed)}: there is no such flag`,
    hint: nearest === undefined ? "See the flags with --help" : `Did you mean \`${nearest}\`?`,
  });
}
