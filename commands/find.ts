import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { commands, type Entry } from "./all.ts";
import { findNearest } from "./nearest.ts";

/** What other package managers call ours. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  i: "install",
  ci: "install --frozen",
  uninstall: "remove",
  un: "remove",
  rm: "remove",
  ls: "list",
  tree: "list",
  new: "init",
  create: "init",
  view: "info",
  show: "info",
  unpublish: "yank",
  unyank: "yank --undo",
  adduser: "register",
  signup: "register",
  signin: "login",
  signout: "logout",
  "token delete": "token revoke",
  "token remove": "token revoke",
  start: "serve",
};

/** Whether `word` is the first of several commands, as `token` is. */
export function isGroup(word: string): boolean {
  return Object.keys(commands).some((name) => name.startsWith(`${word} `));
}

/** The full names that begin with `word` and a space. */
export function membersOf(word: string): string[] {
  return Object.keys(commands).filter((name) => name.startsWith(`${word} `));
}

/**
 * Finds a command by its words.
 *
 * @throws usage with the nearest known name
 */
export function findCommand(words: readonly string[]): { name: string; entry: Entry } {
  const name = words.join(" ");
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry) return { name, entry };
  const [first = ""] = words;
  if (words.length === 1 && isGroup(first))
    throw fail("usage", {
      problem: `Cannot run \`land ${first}\` alone: it needs one more word`,
      hint: `Use ${membersOf(first)
        .map((member) => `\`land ${member}\``)
        .join(", ")}`,
    });
  const nearest = Object.hasOwn(ELSEWHERE, name)
    ? ELSEWHERE[name]
    : findNearest(name, Object.keys(commands));
  throw fail("usage", {
    problem: `Cannot run \`land ${printable(name)}\`: there is no such command`,
    hint:
      nearest === undefined
        ? "See the commands with `land help`"
        : `Did you mean \`land ${nearest}\`?`,
  });
}
