import { version } from "#base/build-info.ts";

import { commands, type Entry, GROUPS, SECTIONS } from "./all.ts";
import { isFlag, spelling } from "./argv.ts";
import type { Arg, Args, Command } from "./command.ts";
import { findCommand, isCommand, membersOf, otherNameOf } from "./find.ts";
import { globalArgs } from "./globals.ts";
import { renderTable, type Style } from "./render.ts";

/** What `land` alone says: the commands that most people need. */
export function renderWelcome(style: Style): string {
  const common = Object.entries(commands).filter(([, entry]) => entry.common);
  return [
    `land ${version}: a package registry, a host for sites and their client in one program`,
    "",
    usage(style, "<command>"),
    "",
    style.bold("Most used:"),
    rowsOf(common, style),
    "",
    "See every command with `land help`, and one of them with `land help <command>`",
  ].join("\n");
}

/** What plugins add to the commands of land, by name. */
export type Added = Readonly<Record<string, Entry>>;

/** What `land help` says: every command, by section. Those of one first word share a row. */
function renderOverview(style: Style, added: Added): string {
  const sections = SECTIONS.flatMap((section) => {
    const names = Object.keys(commands).filter((name) => commands[name]?.section === section);
    const words = new Set(names.map((name) => name.split(" ", 1)[0] ?? ""));
    const rows = [...words].map((word) => [`  ${word}`, aboutWord(word)]);
    return [style.bold(`${section}:`), renderTable(rows, [], style.columns), ""];
  });
  return [
    usage(style, "<command>"),
    "",
    ...sections,
    ...renderAdded(style, added),
    style.bold("Flags of every command:"),
    renderFlags(globalArgs, style),
    "",
    style.wrap(
      "Each flag can be given by the environment: `--dry-run` is LAND_DRY_RUN=1, `--tag` is LAND_TAG",
    ),
    style.wrap(
      "See one command with `land help <command>`, as in `land help sites` and `land help sites create`",
    ),
  ].join("\n");
}

function renderAdded(style: Style, added: Added): string[] {
  const rows = Object.entries(added);
  return rows.length === 0 ? [] : [style.bold("Plugins:"), rowsOf(rows, style), ""];
}

/** What a command does, or what those that begin with a word are about, and their second words. */
function aboutWord(word: string): string {
  const seconds = new Set(membersOf(word).map((name) => name.split(" ")[1] ?? ""));
  const about = GROUPS[word] ?? commands[word]?.about ?? "";
  return seconds.size === 0 ? about : `${about}: ${[...seconds].join(", ")}`;
}

/**
 * What `land help` says of a topic: a command, a first word of several, or everything where no word is given.
 *
 * @throws usage where there is no such command
 */
export async function renderTopic(
  words: readonly string[],
  style: Style,
  added: Added,
): Promise<string> {
  if (words.length === 0) return renderOverview(style, added);
  const topic = words.join(" ");
  const members = membersOf(topic).map(
    (name) => [name, findCommand(name.split(" ")).entry] as const,
  );
  const list = [style.bold("Commands:"), rowsOf(members, style)];
  if (members.length > 0 && !isCommand(topic)) {
    const alone = otherNameOf(topic);
    if (alone !== undefined) list.push("", `\`land ${topic}\` alone is \`land ${alone}\``);
    return [usage(style, `${topic} <command>`), "", ...list].join("\n");
  }
  const { name, entry } = findCommand(words, added);
  const page = renderCommand(name, entry, await entry.load(), style);
  return members.length === 0 ? page : [page, "", ...list].join("\n");
}

/** What `land help publish` says. */
function renderCommand(name: string, entry: Entry, command: Command, style: Style): string {
  const places = Object.entries(command.args).filter(([, arg]) => !isFlag(arg));
  const hasFlags = Object.values(command.args).some(isFlag);
  const words = [name, ...places.map(([key, arg]) => placeholder(key, arg)), "[flags]"];
  const lines = [entry.about, "", usage(style, words.join(" ").trimEnd())];
  if (command.more) lines.push("", style.flow(command.more));
  if (places.length > 0)
    lines.push(
      "",
      style.bold("Arguments:"),
      renderTable(
        places.map(([key, arg]) => [`  ${placeholder(key, arg)}`, arg.about]),
        [],
        style.columns,
      ),
    );
  if (hasFlags) lines.push("", style.bold("Flags:"), renderFlags(command.args, style));
  lines.push("", style.bold("Flags of every command:"), renderFlags(globalArgs, style));
  if (command.examples.length > 0) lines.push("", style.bold("Examples:"), renderExamples(command));
  return lines.join("\n");
}

/** `<package>…` for an argument that must be given once or more, `[query]` for one that may be left out. */
export function placeholder(key: string, arg: Arg): string {
  const name = "name" in arg && arg.name !== undefined ? arg.name : key;
  if (arg.type === "one") return `<${name}>`;
  if (arg.type === "many") return `<${name}>…`;
  return arg.type === "any" ? `[${name}]…` : `[${name}]`;
}

/** One row per flag: how it is typed, and what it does. */
export function flagRows(args: Args): [typed: string, about: string][] {
  return Object.entries(args).flatMap(([key, arg]): [string, string][] => {
    if (!isFlag(arg)) return [];
    const value = arg.type === "boolean" ? "" : ` ${arg.value}`;
    const short = arg.short === undefined ? "" : `-${arg.short}, `;
    const more = arg.type === "list" ? "; may be given several times" : "";
    return [[`${short}${spelling(key, arg)}${value}`, arg.about + more]];
  });
}

function renderFlags(args: Args, style: Style): string {
  return renderTable(
    flagRows(args).map(([typed, about]) => [
      `  ${typed.startsWith("--") ? "    " : ""}${typed}`,
      about,
    ]),
    [],
    style.columns,
  );
}

function renderExamples(command: Command): string {
  return renderTable(
    command.examples.map((example) => {
      const [line = "", about] = example.split(" # ");
      return [`  ${line}`, ...(about === undefined ? [] : [`# ${about}`])];
    }),
  );
}

function rowsOf(entries: readonly (readonly [string, Entry])[], style: Style): string {
  const rows = entries.map(([name, { about }]) => [`  ${name}`, about]);
  return renderTable(rows, [], style.columns);
}

function usage(style: Style, rest: string): string {
  return `${style.bold("Usage:")} land ${rest}`;
}
