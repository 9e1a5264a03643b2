import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { parseDotenv } from "#pack/dotenv.ts";
import { fileFailed } from "#store/files.ts";

import { askSecret, askText, askToGoOn } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { renderCount, renderTable, renderTime, shorten } from "./render.ts";
import { settleSite, siteArgs } from "./site.ts";
import { readStdin } from "./stdin.ts";

/** More than a server takes. */
const MAX_BYTES = 2 * 1024 * 1024;
const plain = {
  type: "boolean",
  about: "Set variables, which are shown again, instead of secrets",
} as const;

/** Sets a variable or secret. */
export const set = defineCommand({
  more: `Takes the value from stdin, without one newline at its end, or asks for it. It is a secret, never shown again, unless
--plain says that it is none; only then may it stand in the command line, where others on this machine can see it.
Programs have it at their next request.`,
  examples: [
    "land env set API_KEY --site blog # asks for the value",
    "land env set API_KEY --site blog < key.txt",
    "land env set LANGUAGE=de --plain --site blog",
  ],
  args: {
    ...siteArgs,
    key: { type: "one", about: "The name, or NAME=VALUE with --plain" },
    plain,
  },
  async run(context, args) {
    const [key, given] = splitPair(args.key, args.plain);
    const site = await settleSite(context, args.site);
    const value = given ?? (await settleValue(context, key, args.plain));
    const { remote } = await connect(context);
    await remote.setEnv(site, key, value, args.plain ? "variable" : "secret");
    context.say(`${printable(key)} of ${site} is set`);
    return { value: { site, key } };
  },
});

/** @throws usage where a secret stands in the command line; what it says is not repeated */
function splitPair(text: string, isPlain: boolean): [key: string, value: string | undefined] {
  const at = text.indexOf("=");
  if (at === -1) return [text, undefined];
  if (isPlain) return [text.slice(0, at), text.slice(at + 1)];
  throw fail("usage", {
    problem: `Cannot take the value of "${printable(text.slice(0, at))}" from the command line: others on this machine can see it there`,
    hint: "Send it on stdin, or use --plain where it is no secret",
  });
}

async function settleValue(context: Context, key: string, isPlain: boolean): Promise<string> {
  if (context.world.stdin.isTTY === true) {
    const message = `Value of ${printable(key)}`;
    const question = { flag: "the value on stdin", what: "the value", message };
    return isPlain ? askText(context, question) : askSecret(context, question);
  }
  const bytes = await readStdin(context, { what: "the value", maxBytes: MAX_BYTES });
  return textOf(bytes, "the value").replace(/\r?\n$/, "");
}

/** @throws usage */
function textOf(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail("usage", { problem: `Cannot read ${what}: it is not UTF-8` });
  }
}

/** Lists variables and secrets. */
export const list = defineCommand({
  more: "Shows variables with their values, and of secrets the names alone.",
  examples: ["land env list --site blog"],
  args: siteArgs,
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const { remote } = await connect(context);
    const items = await remote.listEnv(site);
    if (items.length === 0) context.say(`${site} has no variables or secrets`);
    const rows = items.map(({ key, value, updatedAt, updatedBy }) => [
      context.style.bold(shorten(key, 60)),
      value === null ? context.style.dim("secret") : shorten(value, 80),
      `${renderTime(updatedAt)}${updatedBy === null ? "" : ` by ${shorten(updatedBy, 40)}`}`,
    ]);
    return { value: { items }, text: renderTable(rows) };
  },
});

/** Removes a variable or secret. */
export const unset = defineCommand({
  more: "Programs miss it at their next request. Without a terminal it needs --yes.",
  examples: ["land env unset API_KEY --site blog --yes"],
  args: { ...siteArgs, key: { type: "one", about: "The name" } },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    await askToGoOn(context, {
      what: "whether to remove it",
      message: `Remove ${printable(args.key)} of ${site} for good?`,
      initial: false,
    });
    const { remote } = await connect(context);
    await remote.unsetEnv(site, args.key);
    context.say(`${printable(args.key)} of ${site} is gone`);
    return { value: { site, key: args.key } };
  },
});

/** Sets all of a .env file. */
export const importAll = defineCommand({
  more: `Sets all that the file names, or nothing where one of it is refused; what the site has besides stays. Lines are
NAME=value, with quotes and comments as everywhere; $NAME is not replaced.`,
  examples: [
    "land env import .env --site blog",
    "land env import --site blog < .env",
    "land env import defaults.env --plain --site blog",
  ],
  args: {
    ...siteArgs,
    file: { type: "optional", about: "The file (default: from stdin)" },
    plain,
  },
  async run(context, args) {
    const site = await settleSite(context, args.site);
    const values = parseDotenv(await readEnvFile(context, args.file));
    const keys = [...values.keys()];
    if (keys.length === 0) throw fail("usage", { problem: "Cannot import: there is no variable" });
    if (context.interactive)
      await askToGoOn(context, {
        what: "whether to set them",
        message: `Set ${shorten(keys.join(", "), 200)} of ${site}?`,
      });
    const { remote } = await connect(context);
    await remote.importEnv(site, Object.fromEntries(values), args.plain ? "variable" : "secret");
    const noun = args.plain ? "variable" : "secret";
    context.say(`${renderCount(keys.length, noun)} of ${site} set`);
    return { value: { site, keys } };
  },
});

async function readEnvFile(context: Context, file: string | undefined): Promise<string> {
  if (file === undefined || file === "-") {
    if (context.world.stdin.isTTY === true)
      throw fail("needs_flag", { flag: "a file, or one on stdin", what: "the variables" });
    const bytes = await readStdin(context, { what: "the file", maxBytes: MAX_BYTES });
    return textOf(bytes, "the file");
  }
  const path = resolve(context.cwd, file);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileFailed("read", path, cause);
  });
  return textOf(bytes, printable(file));
}
