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
  push: "deploy",
  undo: "rollback",
  deployments: "deploys",
  "deploys list": "deploys",
  site: "sites list",
  "sites add": "sites create",
  "sites new": "sites create",
  "sites remove": "sites delete",
  "sites rm": "sites delete",
  "sites info": "sites show",
  "sites members list": "sites members",
  "domains delete": "domains remove",
  "domains rm": "domains remove",
  "domains check": "domains verify",
  stats: "traffic",
  tail: "logs -f",
};

/** Whether these words begin several commands, as `token` does. They may be a command themselves. */
export function isGroup(words: string): boolean {
  return Object.keys(commands).some((name) => name.startsWith(`${words} `));
}

/** Whether these words are the whole name of a command. */
export function isCommand(words: string): boolean {
  return Object.hasOwn(commands, words);
}

/** The full names that begin with these words and a space. */
export function membersOf(words: string): string[] {
  return Object.keys(commands).filter((name) => name.startsWith(`${words} `));
}

/**
 * Finds a command by its words.
 *
 * @throws usage with the nearest known name
 */
export function findCommand(words: readonly string[]): { name: string; entry: Entry } {
  const name = words.join(" ");
  const entry = isCommand(name) ? commands[name] : undefined;
  if (entry) return { name, entry };
  if (isGroup(name))
    throw fail("usage", {
      problem: `Cannot run \`land ${name}\` alone: it needs one more word`,
      hint: `Use ${membersOf(name)
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
