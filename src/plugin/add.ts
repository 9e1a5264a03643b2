import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { byText } from "#base/order.ts";
import type { Home } from "#remote/credentials.ts";
import { errorCode, fileFailed, syncFolder, writeFileAtomic } from "#store/files.ts";

import type { PluginCode } from "./bundle.ts";
import { findPlugins, pluginsFolder } from "./found.ts";
import { limitOf, type LoadedPlugin, type LoadOptions, readPlugin, setUp } from "./load.ts";
import { provideLandModule } from "./provided.ts";
import { changeRecords, type PluginRecord } from "./records.ts";

/** A plugin to add. */
export type PluginToAdd = {
  code: PluginCode;
  /** As it was named by the user. */
  source: string;
};

/** A plugin that was added. */
export type AddedPlugin = PluginRecord & {
  name: string;
  /** The events that it hears, in the order of the documentation. */
  events: string[];
  /** Whether one of that name was there. */
  replaced: boolean;
};

/**
 * Tries a plugin, and puts it into `$LAND_HOME/plugins` where it can be used, in place of one of that name. A crash leaves the old
 * one, or the new one, or one that is refused until it is added again.
 *
 * @throws plugin_invalid, state_invalid, lock_busy, file_failed
 */
export async function addPlugin(
  home: Home,
  { code, source }: PluginToAdd,
  others: readonly LoadedPlugin[],
  options: LoadOptions,
): Promise<AddedPlugin> {
  const tried = await tryPlugin(home, { code, source }, others, options);
  const { name } = tried;
  const file = code.kind === "file" ? `${name}.${code.ending}` : `${name}/plugin.js`;
  const record: PluginRecord = {
    file,
    sha256: new Bun.CryptoHasher("sha256").update(code.bytes).digest("hex"),
    source,
    addedAt: home.now().toISOString(),
    commands: tried.commands.map((command) => command.name).toSorted(byText),
  };
  const replaced = await changeRecords(home, async (records) => {
    const path = join(pluginsFolder(home.landHome), file);
    const before = (await findPlugins(home.landHome)).filter((found) => found.name === name);
    await writeFileAtomic(path, code.bytes, { mode: 0o600 });
    for (const old of before) if (old.file !== file) await removeFiles(home, old.file);
    records.set(name, record);
    return before.length > 0;
  });
  const events = Object.entries(tried.handlers).flatMap(([event, { length }]) =>
    length > 0 ? [event] : [],
  );
  return { name, ...record, events, replaced };
}

/** Loads code from a file of its own, which is gone afterwards. @throws plugin_invalid */
async function tryPlugin(
  { landHome }: Home,
  { code: { ending, bytes }, source }: PluginToAdd,
  others: readonly LoadedPlugin[],
  options: LoadOptions,
): Promise<LoadedPlugin> {
  provideLandModule();
  const path = join(landHome, "run", `plugin-${randomBytes(8).toString("hex")}.${ending}`);
  await writeFileAtomic(path, bytes, { mode: 0o600 });
  try {
    const plugin = await readPlugin(printable(basename(source)), path, limitOf(options));
    const { name } = plugin;
    if (Object.hasOwn(options.bundled, name))
      throw fail("plugin_invalid", { plugin: name, problem: "land brings a plugin of that name" });
    const rest = others.filter((other) => other.name !== name);
    return await setUp({ plugin, name: printable(name), path }, rest, options);
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * Takes a plugin of the user's away, whether or not it can be loaded. False where there is none of that name.
 *
 * @throws state_invalid, lock_busy, file_failed
 */
export async function removePlugin(home: Home, name: string): Promise<boolean> {
  return changeRecords(home, async (records) => {
    const found = (await findPlugins(home.landHome)).filter((one) => one.name === name);
    for (const { file } of found) await removeFiles(home, file);
    return records.delete(name) || found.length > 0;
  });
}

/** `hello.ts`, or the folder of `hello/plugin.js`. What else lies in that folder and is not land's stays. */
async function removeFiles({ landHome }: Home, file: string): Promise<void> {
  const folder = pluginsFolder(landHome);
  const [first = ""] = file.split("/");
  try {
    await rm(join(folder, file), { force: true });
    if (first !== file && (await readdir(join(folder, first))).length === 0)
      await rm(join(folder, first), { recursive: true });
    await syncFolder(folder);
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw fileFailed("remove", join(folder, file), cause);
  }
}
