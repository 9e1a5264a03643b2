import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";

import { fail } from "#base/errors.ts";
import { parsePackageName, parseSiteName, parseVersion } from "#base/names.ts";
import { parseManifest } from "#pack/manifest.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { askText, type Validate } from "./ask.ts";
import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { writeFirstApp } from "./init-app.ts";
import { writeFirstSite } from "./init-site.ts";
import { suggestSiteName } from "./site.ts";

/** Writes the first land.json of a folder. */
export default defineCommand({
  more: `Asks for what the flags do not say. A land.json that is there already is never changed. An empty folder also gets
a first source file. --template site makes a first page with its style instead,
--template app a page with a program behind it, and what editors and type checkers need to know of that.`,
  examples: [
    "land init # asks",
    "land init --yes # takes the suggestions",
    "land init --yes --name @ada/greet --license Apache-2.0",
    "land init --template site # a first page, to be put on the web with `land deploy`",
    "land init --template app # a page and a program that answers it",
  ],
  args: {
    name: {
      type: "text",
      value: "NAME",
      about: "Name of the package or site (suggested: the folder's)",
    },
    version: { type: "text", value: "VERSION", about: "First version (suggested: 0.1.0)" },
    description: { type: "text", value: "TEXT", about: "What it does, in a line" },
    license: { type: "text", value: "ID", about: "SPDX license (suggested: MIT)" },
    template: {
      type: "text",
      value: "NAME",
      about: "What to begin with: package (default), site or app",
      oneOf: ["package", "site", "app"],
    },
  },
  async run(context, args) {
    const path = join(context.cwd, "land.json");
    if ((await readTextIfAny(path)) !== undefined)
      throw fail("usage", {
        problem: `Cannot make a manifest: "${path}" is there already`,
        hint: "Edit it, or name another folder with --cwd",
      });
    const begin = args.template === undefined ? undefined : FIRST.get(args.template);
    if (begin) return makeSite(context, args.name, path, begin);
    const suggested = await readSuggestions(context.cwd);
    const settle = (key: keyof Suggestions, question: string, validate?: Validate) =>
      settleField(context, key, args[key], suggested[key], question, validate);
    const name = await settle("name", "Name of the package", parsePackageName);
    const version = await settle("version", "First version", parseVersion);
    const description = await settle("description", "What it does, in a line");
    const license = await settle("license", "License");
    const fields = { name, version, description, ...(license !== "" && { license }) };
    const main = await writeFirstFile(context.cwd, name);
    const manifest = { ...fields, ...(main !== undefined && { main }) };
    await writeFileAtomic(path, `${JSON.stringify(manifest, undefined, 2)}\n`);
    context.say(
      `Made "${path}"\n\nNext: \`land add <package>\` to use one, \`land publish\` to share yours`,
    );
    return { value: { path, name, version } };
  },
});

/** What writes the first files of a site, and what its maker is told then. */
type First = { write: typeof writeFirstSite; next: string };
const FIRST: ReadonlyMap<string, First> = new Map([
  ["site", { write: writeFirstSite, next: "`land deploy` puts it on the web" }],
  [
    "app",
    {
      write: writeFirstApp,
      next: "`land dev` runs it here while you change main.ts and public/, `land deploy` puts it on the web",
    },
  ],
]);

/** A first site: pages and a manifest that names it. Nothing that is there is changed. */
async function makeSite(
  context: Context,
  given: string | undefined,
  path: string,
  { write, next }: First,
) {
  const suggestion = suggestSiteName(context.cwd);
  const name = parseSiteName(
    await settleField(context, "name", given, suggestion, "Name of the site", parseSiteName),
  );
  const { made } = await write(context.cwd, name);
  context.say(`Made ${made.join(", ")}\n\nNext: ${next}`);
  return { value: { path, name, made } };
}

type Suggestions = { name: string; version: string; description: string; license: string };

/** What package.json says, else the folder's name and what most begin with. */
async function readSuggestions(cwd: string): Promise<Suggestions> {
  const text = await readTextIfAny(join(cwd, "package.json"));
  const known = text === undefined ? undefined : parseManifest("package.json", text);
  return {
    name: known?.name ?? suggestName(basename(cwd)),
    version: known?.version ?? "0.1.0",
    description: known?.description ?? "",
    license: known?.license ?? "MIT",
  };
}

/** A folder's name in the letters of a package name; what is left may still be none. */
function suggestName(folder: string): string {
  return folder
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");
}

/** The flag, or with --yes the suggestion, or what the user answers. */
async function settleField(
  context: Context,
  key: string,
  given: string | undefined,
  suggestion: string,
  message: string,
  validate: Validate = () => {},
): Promise<string> {
  const settled = given ?? (context.globals.yes ? suggestion : undefined);
  if (settled !== undefined) {
    validate(settled);
    return settled;
  }
  const question = { flag: `--${key} or --yes`, what: `the ${key}`, message };
  return askText(context, { ...question, initial: suggestion, validate });
}

/** A first source file where the folder holds nothing yet. Answers the file that is the package's `main`. */
async function writeFirstFile(cwd: string, name: string): Promise<string | undefined> {
  const visible = (await readdir(cwd)).filter((entry) => !entry.startsWith("."));
  if (visible.includes("index.ts")) return "index.ts";
  if (visible.length > 0) return undefined;
  const source = `/** Says hello from ${name}. */\nexport function greet(whom: string): string {\n  return \`Hello, \${whom}\`;\n}\n`;
  await writeFileAtomic(join(cwd, "index.ts"), source);
  return "index.ts";
}
