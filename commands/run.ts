import { stat } from "node:fs/promises";

import { fail, type LandError, toLandError, toProblem } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { fileFailed } from "#store/files.ts";

import { flagName, isFlag, readArgs, spelling } from "./argv.ts";
import type { Outcome } from "./command.ts";
import { type Context, createContext, type Output, type Signal, type World } from "./context.ts";
import { findCommand, isCommand, isGroup, otherNameOf, takesArgument } from "./find.ts";
import { globalArgs, type Globals } from "./globals.ts";
import { type Added, renderTopic, renderWelcome } from "./help.ts";
import { createStyle, renderError } from "./render.ts";
import { explainToken } from "./token-hint.ts";

/** How long a command may take to tidy up after Ctrl-C. */
const GRACE_MS = 2000;
const SHOW_CURSOR = "\u001B[?25h";
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs what the arguments say and answers the exit code. Never rejects: every failure is shown here, in one place. */
export async function runLand(world: World): Promise<number> {
  const stop = new AbortController();
  let interrupted: Signal | undefined;
  const onSignal = (signal: Signal): void => {
    if (interrupted) world.exit(EXIT_CODES[signal]);
    interrupted = signal;
    stop.abort(fail("cancelled", {}));
  };
  const handlers = { current: onSignal };
  const off = world.onSignal((signal) => handlers.current(signal));
  const wants = peek(world);
  try {
    const outcome = await Promise.race([
      perform(world, stop.signal, handlers),
      overdue(stop.signal),
    ]);
    if (outcome) await print(world.stdout, renderOutcome(outcome, wants));
    return outcome?.exitCode ?? 0;
  } catch (thrown) {
    const error = interrupted ? fail("cancelled", {}, { cause: thrown }) : nameError(thrown);
    await showError(world, wants, error).catch(() => {});
    return interrupted ? EXIT_CODES[interrupted] : error.exitCode;
  } finally {
    off();
    if (interrupted && world.stderr.isTTY === true) world.stderr.write(SHOW_CURSOR);
  }
}

/** What the system says of a file is told as such, wherever nobody expected it. */
function nameError(thrown: unknown): LandError {
  if (!(thrown instanceof Error) || !("syscall" in thrown && "path" in thrown))
    return toLandError(thrown);
  return fileFailed("use", printable(String(thrown.path)), thrown);
}

type Handlers = { current: (signal: Signal) => void };

async function perform(
  world: World,
  signal: AbortSignal,
  handlers: Handlers,
): Promise<Outcome | undefined> {
  const { words, rest, helpWanted, versionWanted } = splitArgv(world.argv);
  const style = createStyle(world.stdout, world.env, peek(world));
  let made: Context | undefined;
  const contextOf = async (globals: Globals): Promise<Context> => {
    if (made) return made;
    made = createContext(world, globals, signal, (handler) => (handlers.current = handler));
    if (globals.cwd !== undefined) await checkFolder(made.cwd);
    return made;
  };
  const added = (topic: readonly string[]): Promise<Added> =>
    addedCommands(topic, () => contextOf(readArgs({}, globalsAmong(rest), world.env)));
  if (words[0] === "help" || helpWanted) {
    const topic = words[0] === "help" ? words.slice(1) : words;
    return help(await renderTopic(topic, style, await added(topic)));
  }
  if (words[0] === undefined && !versionWanted) {
    readArgs({}, rest, world.env);
    return help(renderWelcome(style));
  }
  const wanted = versionWanted ? ["version"] : words;
  const { entry } = findCommand(wanted, await added(wanted));
  const command = await entry.load();
  const outcome = command.invoke(rest, world.env, contextOf);
  return outcome.catch((thrown: unknown) => {
    throw explainToken(thrown, world.env, made?.globals.registry);
  });
}

/** What plugins add, loaded only where it may matter: for the list of all, and for a word that is no command of land. */
async function addedCommands(
  topic: readonly string[],
  contextOf: () => Promise<Context>,
): Promise<Added> {
  const [word] = topic;
  if (word !== undefined && (isCommand(word) || isGroup(word) || otherNameOf(word) !== undefined))
    return {};
  const { allPluginCommands, requirePluginCommands } = await import("./plugin-command.ts");
  const context = await contextOf();
  return word === undefined ? allPluginCommands(context) : requirePluginCommands(context, word);
}

/** The global flags among these, with their values, whatever else stands there. */
function globalsAmong(rest: readonly string[]): string[] {
  const end = rest.indexOf("--");
  const words = end < 0 ? rest : rest.slice(0, end);
  return words.filter((word, at) => isGlobal(word) || (at > 0 && takesValue(words[at - 1] ?? "")));
}

/**
 * Parts the words that name the command from the arguments that are left. Global flags may stand before them. With
 * `land help` every word belongs to the topic.
 */
function splitArgv(argv: readonly string[]): {
  words: string[];
  rest: string[];
  helpWanted: boolean;
  versionWanted: boolean;
} {
  const words: string[] = [];
  const rest: string[] = [];
  let open = true;
  let flagged = false;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--") open = false;
    const isFlagWord = word.startsWith("-");
    if (!open || isFlagWord || !wantsWord(words, word, flagged)) rest.push(word);
    else words.push(word);
    flagged ||= isFlagWord && !isGlobal(word);
    const value = open && takesValue(word) ? argv[at + 1] : undefined;
    if (value !== undefined) {
      rest.push(value);
      at++;
    }
  }
  const end = rest.indexOf("--");
  const flags = end < 0 ? rest : rest.slice(0, end);
  const versionWanted =
    words.length === 0 && flags.some((flag) => flag === "--version" || flag === "-v");
  return {
    words,
    rest: versionWanted ? rest.filter((flag) => flag !== "--version" && flag !== "-v") : rest,
    helpWanted: flags.includes("--help") || flags.includes("-h"),
    versionWanted,
  };
}

/**
 * Behind a flag of its own, the next word may be that flag's: there a whole name stays as it is (`deploys --site blog`). So it
 * does before what is its argument (`trust left`).
 */
function wantsWord(words: readonly string[], word: string, flagged: boolean): boolean {
  const [first] = words;
  if (first === undefined || first === "help") return true;
  const name = words.join(" ");
  const isWhole = isCommand(name) || otherNameOf(name) !== undefined;
  if (takesArgument(name) && !isCommand(`${name} ${word}`)) return false;
  return isGroup(name) && !(flagged && isWhole);
}

function isGlobal(word: string): boolean {
  return Object.entries(globalArgs).some(
    ([key, arg]) =>
      isFlag(arg) &&
      (word.split("=", 1)[0] === spelling(key, arg) ||
        ("short" in arg && arg.short !== undefined && word === `-${arg.short}`)),
  );
}

/** A global flag whose value is the next word. */
function takesValue(word: string): boolean {
  return Object.entries(globalArgs).some(
    ([key, arg]) => isFlag(arg) && arg.type !== "boolean" && word === `--${flagName(key)}`,
  );
}

function help(text: string): Outcome {
  return { value: { help: text }, text };
}

/** The flags that say how to show an error, known even where the arguments cannot be read. */
type Wants = Pick<Globals, "json" | "jsonl" | "verbose" | "color">;

function peek({ argv, env }: World): Wants {
  const end = argv.indexOf("--");
  const flags = new Set(end < 0 ? argv : argv.slice(0, end));
  const on = (flag: string, variable: string): boolean =>
    flags.has(flag) || /^(?:1|true|yes|on)$/i.test(env[variable] ?? "");
  return {
    json: on("--json", "LAND_JSON"),
    jsonl: on("--jsonl", "LAND_JSONL"),
    verbose: on("--verbose", "LAND_VERBOSE"),
    color: !on("--no-color", "LAND_NO_COLOR"),
  };
}

async function checkFolder(cwd: string): Promise<void> {
  const found = await stat(cwd).catch(() => undefined);
  if (!found?.isDirectory())
    throw fail("usage", { problem: `Cannot work in "${printable(cwd)}": there is no such folder` });
}

function renderOutcome({ value, text }: Outcome, wants: Wants): string {
  if (value === undefined) return "";
  if (wants.jsonl) return `${JSON.stringify(value)}\n`;
  if (wants.json) return `${JSON.stringify(value, undefined, 2)}\n`;
  return text === undefined || text === "" ? "" : `${text}\n`;
}

async function showError(world: World, wants: Wants, error: LandError): Promise<void> {
  const style = createStyle(world.stderr, world.env, wants);
  if (wants.json || wants.jsonl)
    await print(world.stdout, renderOutcome({ value: toProblem(error) }, wants));
  else await print(world.stderr, renderError(error, style));
  if (wants.verbose) await print(world.stderr, `\n${style.dim(stackOf(error))}\n`);
}

function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}

/** Writes and waits until the system took every byte, so that the process may end afterwards. */
async function print(stream: Output, text: string): Promise<void> {
  if (text === "") return;
  await new Promise<void>((done, refuse) => {
    stream.write(text, (error) => (error ? refuse(error) : done()));
  });
}

/** Rejects when the command did not end by itself in time after it was told to stop. */
async function overdue(signal: AbortSignal): Promise<never> {
  return new Promise((_done, refuse) => {
    signal.addEventListener("abort", () => {
      setTimeout(() => refuse(fail("cancelled", {})), GRACE_MS).unref();
    });
  });
}
