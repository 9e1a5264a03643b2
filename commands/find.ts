import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { commands, type Entry } from "./all.ts";
import { findNearest } from "./nearest.ts";

/** Words that are understood too: lists go by the plural alone, and by `list`. */
const SAME: Readonly<Record<string, string>> = {
  sites: "sites list",
  domains: "domains list",
  config: "config list",
  plugin: "plugin list",
  "deploys list": "deploys",
  "deploys release": "release",
  "sites members list": "sites members",
};

/** What other package managers and hosts call ours. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  i: "install",
  ci: "install --frozen",
  un: "remove",
  rm: "remove",
  ls: "list",
  tree: "list",
  explain: "why",
  "dist-tag": "tag list",
  "dist-tag add": "tag set",
  "dist-tag ls": "tag list",
  "dist-tag rm": "tag remove",
  "tag add": "tag set",
  "tag rm": "tag remove",
  "owner ls": "owner list",
  "owner rm": "owner remove",
  owners: "owner list",
  tags: "tag list",
  undeprecate: "deprecate --undo",
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
  "config delete": "config unset",
  "config rm": "config unset",
  plugins: "plugin list",
  "plugin rm": "plugin remove",
  "plugin install": "plugin add",
  "plugin uninstall": "plugin remove",
  "token delete": "token revoke",
  "token remove": "token revoke",
  start: "serve",
  "token rm": "token revoke",
  tokens: "token list",
  push: "deploy",
  up: "deploy",
  promote: "release",
  "deploys promote": "release",
  undo: "rollback",
  deployments: "deploys",
  site: "sites list",
  status: "sites show",
  members: "sites members",
  protect: "sites protect",
  unprotect: "sites unprotect",
  maintenance: "sites maintenance",
  teardown: "sites delete",
  alias: "domains add",
  "sites add": "sites create",
  "sites new": "sites create",
  "sites remove": "sites delete",
  "sites rm": "sites delete",
  "sites info": "sites show",
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

/** Whether these words are a command that takes an argument and begin others too: a word that names none of them is its argument. */
export function takesArgument(words: string): boolean {
  return words === "trust";
}

/** Whether these words are the whole name of a command. */
export function isCommand(words: string): boolean {
  return Object.hasOwn(commands, words);
}

/** The command that these words run although its name is another one. */
export function otherNameOf(words: string): string | undefined {
  return Object.hasOwn(SAME, words) ? SAME[words] : undefined;
}

/** The full names that begin with these words and a space. */
export function membersOf(words: string): string[] {
  return Object.keys(commands).filter((name) => name.startsWith(`${words} `));
}

/**
 * Finds a command by its words, one of land's or one that is `added`.
 *
 * @throws usage with the nearest known name
 */
export function findCommand(
  words: readonly string[],
  added: Readonly<Record<string, Entry>> = {},
): { name: string; entry: Entry } {
  const typed = words.join(" ");
  const name = otherNameOf(typed) ?? typed;
  const own = isCommand(name) ? commands[name] : undefined;
  const entry = own ?? (Object.hasOwn(added, name) ? added[name] : undefined);
  if (entry) return { name, entry };
  if (isGroup(name))
    throw fail("usage", {
      problem: `Cannot run \`land ${name}\` alone: it needs one more word`,
      hint: `Use ${membersOf(name)
        .map((member) => `\`land ${member}\``)
        .join(", ")}`,
    });
  throw fail("usage", {
    problem: `Cannot run \`land ${printable(name)}\`: there is no such command`,
    hint: hintFor(words, Object.keys(added)),
  });
}

function hintFor(words: readonly string[], added: readonly string[]): string {
  const typed = words.join(" ");
  const names = [...Object.keys(commands), ...added];
  const groups = names.flatMap((name) => (name.includes(" ") ? [name.replace(/ \S+$/, "")] : []));
  const nearest = Object.hasOwn(ELSEWHERE, typed)
    ? ELSEWHERE[typed]
    : findNearest(typed, words.length === 1 ? [...names, ...groups] : names);
  if (nearest !== undefined) return `Did you mean \`land ${nearest}\`?`;
  const group = words.slice(0, -1).join(" ");
  return isGroup(group)
    ? `See its commands with \`land help ${group}\``
    : "See the commands with `land help`";
}
