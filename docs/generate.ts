/**
 * `docs/` is written for users. What the program knows of itself is generated from it by `bun run docs`.
 * package.json and the tests call this file. It must never invent a text: each comes from the code it describes.
 */
import { join } from "node:path";

import { commands, SECTIONS } from "#commands/all.ts";
import { isFlag } from "#commands/argv.ts";
import type { Args } from "#commands/command.ts";
import { globalArgs } from "#commands/globals.ts";
import { flagRows, placeholder } from "#commands/help.ts";

import { renderApi, renderConfiguration } from "./reference.ts";

/** The whole of docs/cli.md. */
async function renderCli(): Promise<string> {
  const parts = [
    "# The commands of land",
    "Generated from the program by `bun run docs`; `land help <command>` says the same.",
    "## Flags of every command",
    table(["Flag", "What it does"], flagRows(globalArgs)),
    "Each flag can be given by the environment instead: `--dry-run` is `LAND_DRY_RUN=1`, `--tag beta` is `LAND_TAG=beta`.",
    "No command asks unless stdin and stdout are a terminal: it names the missing flag and ends with 2.",
  ];
  for (const section of SECTIONS) {
    parts.push(`## ${section}`);
    for (const [name, entry] of Object.entries(commands))
      if (entry.section === section) parts.push(...(await renderCommand(name)));
  }
  return `${parts.join("\n\n")}\n`;
}

async function renderCommand(name: string): Promise<string[]> {
  const entry = commands[name];
  if (entry === undefined) return [];
  const { args, more, examples } = await entry.load();
  const places = Object.entries(args).filter(([, arg]) => !isFlag(arg));
  const words = ["land", name, ...places.map(([key, arg]) => placeholder(key, arg)), "[flags]"];
  const parts = [`### land ${name}`, `\`${words.join(" ")}\``, `${entry.about}.`];
  if (more) parts.push(more);
  if (places.length > 0) parts.push(table(["Argument", ""], placeRows(args)));
  if (Object.values(args).some(isFlag)) parts.push(table(["Flag", ""], flagRows(args)));
  if (examples.length > 0) parts.push(["```sh", ...examples, "```"].join("\n"));
  return parts;
}

function placeRows(args: Args): [string, string][] {
  return Object.entries(args).flatMap(([key, arg]): [string, string][] =>
    isFlag(arg) ? [] : [[placeholder(key, arg), arg.about]],
  );
}

function table(head: readonly [string, string], rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([typed, about]) => `| \`${typed}\` | ${about.replaceAll("|", "\\|")} |`);
  return [`| ${head[0]} | ${head[1]} |`, "|---|---|", ...lines].join("\n");
}

/** Every generated page by its file name, and how it is made. */
export const PAGES: Readonly<Record<string, () => Promise<string>>> = {
  "cli.md": renderCli,
  "api.md": renderApi,
  "configuration.md": async () => renderConfiguration(),
};

if (import.meta.main)
  for (const [name, render] of Object.entries(PAGES))
    await Bun.write(join(import.meta.dir, name), await render());
