import { commands, GROUPS } from "./all.ts";
import { flagName, isFlag, spelling } from "./argv.ts";
import type { Arg, Args, TextFlag } from "./command.ts";
import type { Candidate } from "./complete-values.ts";
import type { World } from "./context.ts";
import { isCommand, isGroup, otherNameOf } from "./find.ts";
import { globalArgs } from "./globals.ts";
import { pluginWords } from "./plugin-words.ts";

/** What may stand in the place of a word. `files` and `folders` are the shell's own to list. */
export type Completion = { mode: "words" | "files" | "folders"; words: Candidate[] };

/** A shell waits for the answer at each press of Tab. */
const TIMEOUT_MS = 700;

/**
 * Prints what may stand in the place of the last word of `land __complete …`: the mode, then a line per candidate, with what it
 * is about after a tab. Nothing that goes wrong is told: a prompt is no place for it.
 */
export async function complete(world: World): Promise<number> {
  const { promise: late, resolve } = Promise.withResolvers<Completion>();
  const timer = setTimeout(() => resolve({ mode: "words", words: [] }), TIMEOUT_MS);
  const found = await Promise.race([
    completeWords(world, world.argv.slice(1)).catch((): Completion => ({
      mode: "words",
      words: [],
    })),
    late,
  ]);
  clearTimeout(timer);
  const lines = found.words.flatMap(({ text, about }) => {
    // What a shell would read as more than a word is no candidate, whoever made it up.
    if (!/^[\w@%+=:,./~^-]+$/.test(text)) return [];
    return [about === undefined ? text : `${text}\t${oneLine(about)}`];
  });
  await new Promise<void>((done) => {
    world.stdout.write(`${[found.mode, ...lines].join("\n")}\n`, () => done());
  });
  return 0;
}

/** What may stand in the place of the last of these words, which may be empty. */
export async function completeWords(world: World, typed: readonly string[]): Promise<Completion> {
  const current = typed.at(-1) ?? "";
  const { typedName, rest, isHelp, whole } = locate(typed.slice(0, -1));
  const name = otherNameOf(typedName) ?? typedName;
  const next = whole || current.startsWith("-") ? [] : nextWords(typedName);
  if (next.length > 0 && typedName === "") next.push(...(await pluginWords(world)));
  if (isHelp) return words(next, current);
  const command = isCommand(name) ? await commands[name]?.load() : undefined;
  const args: Args = { ...command?.args, ...globalArgs };
  const place = placeOf(args, rest, current);
  if (place.kind === "flags") return words(flagsOf(args, rest), current);
  const { candidatesFor, sourceOf } = await import("./complete-values.ts");
  const source = sourceOf(name, place, rest);
  if (source === "files" || source === "folders") return { mode: source, words: [] };
  const prefix = place.kind === "value" ? place.prefix : "";
  const values = await candidatesFor(source, {
    world,
    wanted: current.slice(prefix.length),
    registry: valueOf(rest, "registry"),
    cwd: valueOf(rest, "cwd"),
  });
  const fitting = values.map((value) => Object.assign({}, value, { text: prefix + value.text }));
  return words(place.kind === "value" ? fitting : [...next, ...fitting], current);
}

/** Where the last word stands: a value of a flag (`--flag=` before it is `prefix`), an argument by place, or a flag. */
export type Place =
  | { kind: "flags" }
  | { kind: "value"; key: string; flag: TextFlag; prefix: string }
  | { kind: "argument"; key: string; arg: Arg; given: string[] }
  | { kind: "nothing" };

function words(candidates: readonly Candidate[], current: string): Completion {
  const fitting = candidates.filter(({ text }) => text.startsWith(current));
  return { mode: "words", words: fitting };
}

/**
 * Parts the words of the command from what follows; global flags may stand before them. `whole` where an argument was given
 * already, so that no further word of a name can follow.
 */
function locate(before: readonly string[]): {
  typedName: string;
  rest: string[];
  isHelp: boolean;
  whole: boolean;
} {
  const name: string[] = [];
  const rest: string[] = [];
  const isHelp = before[0] === "help";
  const queue = isHelp ? before.slice(1) : [...before];
  let whole = false;
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const longer = [...name, word].join(" ");
    const isFlagWord = word.startsWith("-");
    if (!isFlagWord && !whole && (isCommand(longer) || isGroup(longer))) {
      name.push(word);
      continue;
    }
    whole ||= !isFlagWord;
    rest.push(word);
    const flag = flagOf(globalArgs, word);
    const value =
      flag && flag.type !== "boolean" && !word.includes("=") ? queue.shift() : undefined;
    if (value !== undefined) rest.push(value);
  }
  return { typedName: name.join(" "), rest, isHelp, whole };
}

/** The words that may follow those of a command, as `list` after `token`. */
function nextWords(name: string): Candidate[] {
  const base = name === "" ? "" : `${name} `;
  const seconds = new Map<string, string>();
  for (const [full, { about }] of Object.entries(commands)) {
    if (!full.startsWith(base)) continue;
    const word = full.slice(base.length).split(" ", 1)[0] ?? "";
    const longer = `${base}${word}`;
    seconds.set(word, GROUPS[longer] ?? commands[longer]?.about ?? about);
  }
  if (name === "") seconds.set("help", "Show how a command is used");
  return [...seconds].map(([text, about]) => ({ text, about }));
}

function placeOf(args: Args, rest: readonly string[], current: string): Place {
  const last = rest.at(-1);
  const ended = rest.includes("--");
  const open = last === undefined || ended || last.includes("=") ? undefined : findFlag(args, last);
  if (open && open.flag.type !== "boolean")
    return { kind: "value", key: open.key, flag: open.flag, prefix: "" };
  if (current.startsWith("-") && !ended) {
    const at = current.indexOf("=");
    const found = at < 0 ? undefined : findFlag(args, current.slice(0, at));
    if (!found || found.flag.type === "boolean") return { kind: "flags" };
    return { kind: "value", key: found.key, flag: found.flag, prefix: current.slice(0, at + 1) };
  }
  const given = argumentsOf(args, rest);
  const places = Object.entries(args).filter(([, arg]) => !isFlag(arg));
  const [key, arg] = places[given.length] ?? places.at(-1) ?? [];
  if (key === undefined || !arg) return { kind: "nothing" };
  const many = arg.type === "many" || arg.type === "any";
  return given.length < places.length || many
    ? { kind: "argument", key, arg, given }
    : { kind: "nothing" };
}

/** Words that are no flags nor values of flags. */
function argumentsOf(args: Args, rest: readonly string[]): string[] {
  const found: string[] = [];
  const queue = [...rest];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") return [...found, ...queue];
    if (!word.startsWith("-") || word === "-") found.push(word);
    else if (!word.includes("=") && (flagOf(args, word)?.type ?? "boolean") !== "boolean")
      queue.shift();
  }
  return found;
}

/** Flags that were not typed yet; a list may be given several times. */
function flagsOf(args: Args, rest: readonly string[]): Candidate[] {
  return Object.entries(args).flatMap(([key, arg]): Candidate[] => {
    if (!isFlag(arg)) return [];
    const given = rest.some((word) => findFlag({ [key]: arg }, word.split("=", 1)[0] ?? ""));
    return given && arg.type !== "list" ? [] : [{ text: spelling(key, arg), about: arg.about }];
  });
}

function valueOf(rest: readonly string[], name: string): string | undefined {
  const at = rest.indexOf(`--${name}`);
  if (at >= 0) return rest[at + 1];
  return rest.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
}

type Flag = Extract<Arg, { type: "boolean" | "text" | "list" }>;

function flagOf(args: Args, word: string): Flag | undefined {
  return findFlag(args, word.split("=", 1)[0] ?? "")?.flag;
}

function findFlag(args: Args, typed: string): { key: string; flag: Flag } | undefined {
  for (const [key, arg] of Object.entries(args))
    if (
      isFlag(arg) &&
      (`--${flagName(key)}` === typed || spelling(key, arg) === typed || `-${arg.short}` === typed)
    )
      return { key, flag: arg };
  return undefined;
}

function oneLine(text: string): string {
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").slice(0, 100);
}
