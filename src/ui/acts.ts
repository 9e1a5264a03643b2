import { basename } from "node:path";

import { printableLines } from "#base/names.ts";

import { isEditable } from "./editable.ts";

/** What a page can ask for: a command, in words for people. */
export type Act = {
  /** Shown as the heading of its page. */
  title: string;
  /** What would be typed. */
  argv: readonly string[];
  /** Where it is done, absolute; undefined: anywhere. */
  dir: string | undefined;
  /** The page to go back to, and its name. */
  back: { href: string; name: string };
  /** The fields that ask for the same with --yes, where it may have to be asked for. */
  sure?: Readonly<Record<string, string>>;
};

/** The fields of a form, as far as acts look at them. */
export type Fields = { get: (name: string) => string | undefined };

const MAX_TEXT = 400;

/** The act that a form asks for; undefined where it is none that a page of ours sends. `dirs` are the projects that are known. */
export function actOf(fields: Fields, dirs: ReadonlySet<string>): Act | undefined {
  const dir = fields.get("dir");
  if (dir !== undefined && !dirs.has(dir)) return undefined;
  const act = fields.get("act") ?? "";
  return dir === undefined ? actOfHome(act, fields) : actOfProject(act, dir, fields);
}

/** The address of the page of a project. */
export function projectHref(dir: string): string {
  return `project?dir=${encodeURIComponent(dir)}`;
}

type Typed = [title: string, ...argv: string[]] | undefined;

function actOfProject(act: string, dir: string, fields: Fields): Act | undefined {
  const typed = typedInProject(act, fields);
  if (!typed) return undefined;
  const [title, ...argv] = typed;
  return {
    title,
    argv,
    dir,
    back: { href: projectHref(dir), name: printableLines(basename(dir)) },
    ...(act === "repair" && { sure: { act: "repair-yes", dir } }),
  };
}

function typedInProject(act: string, fields: Fields): Typed {
  const name = wordOf(fields, "name");
  const spec = wordOf(fields, "spec");
  const member = folderOf(fields, "member");
  const at = member === undefined ? [] : ["--workspace", member];
  switch (act) {
    case "install":
      return ["Install", "install"];
    case "update":
      if (name === undefined) return ["Update all within their ranges", "update"];
      return [`Update ${name}`, "update", "--", name];
    case "latest":
      if (name === undefined) return ["Update all to the newest", "update", "--latest"];
      return [`Update ${name} to the newest`, "update", "--latest", "--", name];
    case "add":
      return spec === undefined ? undefined : [`Add ${spec}`, "add", ...at, "--", spec];
    case "add-dev":
      return spec === undefined
        ? undefined
        : [`Add ${spec} for development`, "add", "--dev", ...at, "--", spec];
    case "remove":
      return name === undefined ? undefined : [`Remove ${name}`, "remove", ...at, "--", name];
    case "verify":
      return ["Verify", "verify"];
    case "repair":
      return ["Verify and repair", "verify", "--repair"];
    case "repair-yes":
      return ["Verify and repair", "verify", "--repair", "--yes"];
    case "audit":
      return ["Audit", "audit"];
    default:
      return undefined;
  }
}

function actOfHome(act: string, fields: Fields): Act | undefined {
  const found = typedAtHome(act, fields);
  if (!found) return undefined;
  const [back, title, ...argv] = found;
  return { title, argv, dir: undefined, back };
}

const STORE = { href: "store", name: "Store" };
const GLOBAL = { href: "global", name: "Global packages" };
const ACCOUNTS = { href: "accounts", name: "Accounts" };
const SETTINGS = { href: "settings", name: "Settings" };

function typedAtHome(
  act: string,
  fields: Fields,
): [back: Act["back"], title: string, ...argv: string[]] | undefined {
  const name = wordOf(fields, "name");
  const spec = wordOf(fields, "spec");
  const key = wordOf(fields, "key");
  const value = wordOf(fields, "value");
  switch (act) {
    case "prune":
      return [STORE, "Prune the store", "store", "prune"];
    case "prune-all":
      return [STORE, "Remove all that nothing needs", "store", "prune", "--all"];
    case "repair-store":
      return [STORE, "Check the store", "store", "repair"];
    case "repair-store-deep":
      return [STORE, "Check every byte of the store", "store", "repair", "--deep"];
    case "install-global":
      return spec === undefined
        ? undefined
        : [GLOBAL, `Install ${spec} for you`, "install", "-g", "--", spec];
    case "uninstall-global":
      return name === undefined
        ? undefined
        : [GLOBAL, `Uninstall ${name}`, "uninstall", "-g", "--", name];
    case "update-global":
      return [GLOBAL, "Update what is installed for you", "update", "-g"];
    case "verify-global":
      return [GLOBAL, "Verify what is installed for you", "verify", "-g"];
    case "logout":
      return name === undefined
        ? undefined
        : [ACCOUNTS, `Sign out of ${name}`, "logout", "--registry", name];
    case "set":
      if (key === undefined || !isEditable(key) || value === undefined) return undefined;
      return [SETTINGS, `Set ${key}`, "config", "set", "--", key, value];
    case "unset":
      if (key === undefined || !isEditable(key)) return undefined;
      return [SETTINGS, `Reset ${key}`, "config", "unset", "--", key];
    default:
      return undefined;
  }
}

/** A word of a command: never a flag, nothing that a terminal would act on. */
function wordOf(fields: Fields, name: string): string | undefined {
  const text = fields.get(name)?.trim();
  if (text === undefined || text === "" || text.length > MAX_TEXT) return undefined;
  return /^-|[^\x21-\x7e]/.test(text) ? undefined : text;
}

/** The folder of a member of a workspace. */
function folderOf(fields: Fields, name: string): string | undefined {
  const text = fields.get(name);
  if (text === undefined || text === "" || text === "." || text.length > 4096) return undefined;
  return /^-|\p{Cc}/u.test(text) ? undefined : text;
}
