import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, isAbsolute, join, resolve } from "node:path";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { byName } from "#base/order.ts";
import { findImport } from "#install/imports.ts";
import { listInstalled } from "#install/list.ts";
import { readProject } from "#pack/project.ts";
import { addPlugin, type PluginToAdd, removePlugin } from "#plugin/add.ts";
import { findEntry, readPluginCode } from "#plugin/bundle.ts";
import { findPlugins } from "#plugin/found.ts";
import type { BrokenPlugin, LoadedPlugin } from "#plugin/load.ts";
import { readLandModuleTypes } from "#plugin/provided.ts";
import { readRecords } from "#plugin/records.ts";
import { showable } from "#plugin/words.ts";
import { bundled } from "#plugins/all.ts";
import { writeFileAtomic } from "#store/files.ts";

import { askToGoOn } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { homeOf } from "./connect.ts";
import type { Context } from "./context.ts";
import { install } from "./installing.ts";
import { loadOptionsOf, pluginsAreOn, pluginsOf } from "./plugins.ts";
import { renderBytes, renderTable, shorten } from "./render.ts";
import { parseSpec } from "./spec.ts";

/** Lists the plugins, and tells why one cannot be used. */
export const list = defineCommand({
  more: `Plugins are what land brings, and the files in $LAND_HOME/plugins. One that cannot be used is told with the reason; the
others and all commands of land go on.`,
  examples: ["land plugin list", "land plugin list --json"],
  args: {},
  async run(context) {
    if (!(await pluginsAreOn(context))) context.say("Plugins are off");
    const { loaded, broken } = await pluginsOf(context);
    const rows = [...loaded.map(rowOfLoaded), ...broken.map(rowOfBroken)].toSorted(byName);
    const text = renderTable(
      rows.map(({ name, description, commands, events, bundled: own, problem }) => [
        context.style.bold(printable(name)),
        own ? "of land" : "yours",
        problem === null
          ? shorten([about(commands, events), description].filter(Boolean).join(": "), 100)
          : context.style.red(`broken: ${showable(problem)}`),
      ]),
      [],
      context.style.columns,
    );
    return { value: { plugins: rows }, text };
  },
});

type Row = {
  name: string;
  description: string;
  bundled: boolean;
  /** Absolute; null for one of land's. */
  path: string | null;
  commands: string[];
  events: string[];
  problem: string | null;
};

function rowOfLoaded({ name, description = "", path, commands, handlers }: LoadedPlugin): Row {
  return {
    name,
    description,
    bundled: path === undefined,
    path: path ?? null,
    commands: commands.map((command) => command.name),
    events: Object.entries(handlers).flatMap(([event, { length }]) => (length > 0 ? [event] : [])),
    problem: null,
  };
}

function rowOfBroken({ name, path, error, commands }: BrokenPlugin): Row {
  const told = error.code === "plugin_invalid" ? error.data?.["problem"] : undefined;
  return {
    name,
    description: "",
    bundled: false,
    path: path === "" ? null : path,
    commands: [...commands],
    events: [],
    problem: typeof told === "string" ? told : error.message,
  };
}

/** `land licenses; postInstall, postDeploy`. */
function about(commands: readonly string[], events: readonly string[]): string {
  const typed = commands.map((command) => `land ${command}`);
  return [typed.join(", "), events.join(", ")].filter(Boolean).join("; ");
}

/** Adds a plugin, or puts one in place of one of the same name. */
export const add = defineCommand({
  more: `A plugin runs with all rights of yours: it can read and change every file of yours and use your credentials. So land
asks before anything of it is run; without a terminal it needs --yes. One file that imports nothing else is copied; a
folder, or a package of the registry, is bundled into one file with what it imports. From then on it is run only while
that file stays as it is.`,
  examples: [
    "land plugin add hello.ts # a file",
    "land plugin add ./my-plugin # a folder with its package.json",
    "land plugin add @ada/land-hello@^1.0.0 # a package of the registry",
  ],
  args: {
    plugin: { type: "one", about: "A file, a folder, or a package with its range" },
  },
  async run(context, { plugin }) {
    const isPath = /^\.{0,2}[\\/]|^\.{1,2}$/.test(plugin) || isAbsolute(plugin);
    const path = resolve(context.cwd, plugin);
    const toAdd =
      isPath || existsSync(path)
        ? await takeFrom(context, path)
        : await takePackage(context, plugin);
    const { loaded } = await pluginsOf(context);
    const options = await loadOptionsOf(context);
    const added = await addPlugin(homeOf(context), toAdd, loaded, options);
    const { name, replaced, commands, events } = added;
    const brings = about(commands, events) || "nothing to hear and no command";
    context.say(`${replaced ? "Replaced" : "Added"} the plugin ${name}: ${brings}`);
    return {
      value: {
        name,
        source: added.source,
        file: added.file,
        sha256: added.sha256,
        commands,
        events,
      },
    };
  },
});

async function takeFrom(context: Context, path: string): Promise<PluginToAdd> {
  const entry = await findEntry(path);
  const size = renderBytes(Bun.file(entry.file).size);
  await askToTrust(context, `${shorten(basename(path), 60)} (${printable(entry.file)}, ${size})`);
  return { code: await readPluginCode(entry), source: path };
}

/** Installs the package into a folder of its own, verified as any other, and bundles it from there. Nothing of it is run. */
async function takePackage(context: Context, typed: string): Promise<PluginToAdd> {
  const { name, wanted } = parseSpec(typed);
  const dir = join(context.landHome, "run", `plugin-${randomBytes(8).toString("hex")}`);
  try {
    await writeFileAtomic(join(dir, "land.json"), '{ "name": "plugin" }\n');
    // The project that the user stands in has no part in this.
    const alone = {
      ...context,
      cwd: dir,
      globals: { ...context.globals, plugins: false },
      say: () => undefined,
    };
    const range = wanted === undefined ? {} : { range: wanted };
    const packages = [{ name, kind: "dependencies", exact: true, ...range } as const];
    await install(alone, { kind: "add", packages });
    const installed = (await listInstalled(dir)).packages;
    const own = installed.find((item) => item.name === name);
    const installDir = join(dir, (await readProject(dir)).installDir);
    const file = await findImport(installDir, name);
    if (!own || file === undefined)
      throw fail("plugin_invalid", { plugin: name, problem: 'the package has no "main"' });
    const source = `${name}@${own.version}`;
    const others = installed.length - 1;
    const more =
      others === 0 ? "" : ` with ${others} package${others === 1 ? "" : "s"} that it needs`;
    await askToTrust(context, `${source}${more}, ${own.digest}`);
    return { code: await readPluginCode({ file, installDir }), source };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function askToTrust(context: Context, what: string): Promise<void> {
  context.say(what);
  context.say("A plugin may do all that you may: your files, your credentials, the network");
  await askToGoOn(context, {
    what: "whether to trust the plugin",
    message: "Let it run?",
    initial: false,
  });
}

/** Removes a plugin of the user's. */
export const remove = defineCommand({
  more: `A file that was put into the folder by hand is asked about first: there may be no other copy. Without a terminal that
needs --yes.`,
  examples: ["land plugin remove hello"],
  args: { name: { type: "one", about: "Name of the plugin" } },
  async run(context, { name }) {
    if (Object.hasOwn(bundled, name))
      throw fail("usage", { problem: `Cannot remove the plugin "${name}": land brings it` });
    const records = await readRecords(context.landHome);
    const found = (await findPlugins(context.landHome)).find((one) => one.name === name);
    if (found && !records.has(name))
      await askToGoOn(context, {
        what: "whether to remove the plugin",
        message: `Remove ${printable(found.path)} for good?`,
        initial: false,
      });
    if (!(await removePlugin(homeOf(context), name)))
      throw fail("not_found", {
        what: `the plugin "${printable(name)}"`,
        hint: "See those that are there with `land plugin list`",
      });
    context.say(`Removed the plugin ${printable(name)}`);
    return { value: { name } };
  },
});

/** Prints the types of the module "land". */
export const types = defineCommand({
  more: 'Put it beside a plugin, and an editor knows what `import … from "land"` gives.',
  examples: ["land plugin types > land-plugin.d.ts"],
  args: {},
  async run() {
    const text = await readLandModuleTypes();
    return { value: { types: text }, text };
  },
});
