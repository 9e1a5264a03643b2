/**
 * `test/plugin` tries plugins in homes of their own.
 * Only tests call it. It must never touch the user's home.
 */
import { join } from "node:path";

import { type LoadOptions, loadPlugins, type Plugins } from "#plugin/load.ts";

import { writeFiles } from "../support/project.ts";

/** Loads what lies in `$LAND_HOME/plugins` of a home below `root`, as the commands do, with an API that does nothing. */
export function loadAll(root: string, more: Partial<LoadOptions> = {}): Promise<Plugins> {
  return loadPlugins({
    landHome: root,
    bundled: {},
    apiOf: async () => ({
      version: "0.1.0",
      cwd: root,
      env: {},
      signal: new AbortController().signal,
      now: () => new Date(0),
      settings: {},
      project: () => Promise.reject(new Error("none")),
      describe: () => Promise.reject(new Error("none")),
      writeFile: async () => undefined,
      say: () => undefined,
      warn: () => undefined,
      error: (code) => new Error(code),
    }),
    isBuiltIn: (word) => word === "install",
    globalFlags: ["json", "yes"],
    signal: new AbortController().signal,
    ...more,
  });
}

/** Writes files below `$LAND_HOME/plugins`. */
export async function putPlugins(root: string, files: Record<string, string>): Promise<void> {
  await writeFiles(join(root, "plugins"), files);
}

/** The text of a plugin whose setup is this code. */
export function pluginText(name: string, setup = ""): string {
  return `export default { name: "${name}", setup(land) { ${setup} } };\n`;
}

/** Name → why it cannot be used. */
export function problemsOf({ broken }: Plugins): Record<string, unknown> {
  return Object.fromEntries(broken.map(({ name, error }) => [name, error.data?.["problem"]]));
}
