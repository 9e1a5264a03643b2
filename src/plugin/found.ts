import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { byName, byText } from "#base/order.ts";
import { errorCode, fileFailed } from "#store/files.ts";

/** A plugin of the user's, by its file alone: nothing of it has run. */
export type FoundPlugin = {
  /** As its file or folder is named. */
  name: string;
  /** Relative to the folder of plugins: `hello.ts`, `hello/plugin.js`. */
  file: string;
  /** Absolute. */
  path: string;
  /** Why it cannot be one. */
  problem?: string;
};

/** Names that stand for something else in the settings or the commands. */
const RESERVED = new Set(["enabled", "land", "plugin", "plugins"]);

/** `$LAND_HOME/plugins`. */
export function pluginsFolder(landHome: string): string {
  return join(landHome, "plugins");
}

/** What is wrong with the name of a plugin; undefined where nothing is. */
export function problemOfName(name: string): string | undefined {
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(name))
    return "a name is a-z, 0-9 and -, at most 40 characters";
  return RESERVED.has(name) ? "the name is reserved" : undefined;
}

/**
 * The plugins in `$LAND_HOME/plugins`, by name: `name.ts`, `name.js` and folders with a `plugin.js`. Other files are let be, as are
 * declarations of types and what begins with a dot.
 *
 * @throws file_failed
 */
export async function findPlugins(landHome: string): Promise<FoundPlugin[]> {
  const folder = pluginsFolder(landHome);
  const names = await readdir(folder).catch((cause: unknown) => {
    if (errorCode(cause) === "ENOENT") return [];
    throw fileFailed("read", folder, cause);
  });
  const found: FoundPlugin[] = [];
  for (const entry of names.toSorted(byText)) {
    const one = await lookAt(folder, entry);
    if (one) found.push(one);
  }
  return found.map((one) => withTwins(one, found)).toSorted(byName);
}

async function lookAt(folder: string, entry: string): Promise<FoundPlugin | undefined> {
  if (entry.startsWith(".") || entry.endsWith(".d.ts")) return undefined;
  const info = await stat(join(folder, entry)).catch(() => undefined);
  if (info?.isDirectory() === true) {
    const file = `${entry}/plugin.js`;
    const path = join(folder, entry, "plugin.js");
    const isThere = await Bun.file(path).exists();
    const problem = isThere
      ? problemOfName(entry)
      : "it is a folder without plugin.js: add it with `land plugin add`, which makes one";
    return { name: entry, file, path, ...(problem !== undefined && { problem }) };
  }
  const [, name] = /^(.*)\.(?:ts|js)$/.exec(entry) ?? [];
  if (name === undefined) return undefined;
  const problem = info === undefined ? "its link leads nowhere" : problemOfName(name);
  const path = join(folder, entry);
  return { name, file: entry, path, ...(problem !== undefined && { problem }) };
}

/** Of two files for one name nobody can tell which is meant. */
function withTwins(one: FoundPlugin, all: readonly FoundPlugin[]): FoundPlugin {
  const twin = all.find(({ name, file }) => name === one.name && file !== one.file);
  return twin && one.problem === undefined
    ? { ...one, problem: `there is ${twin.file} too, and ${one.file}: keep one of them` }
    : one;
}
