import type { LoadedConfig } from "#remote/config/load.ts";

import type { Context } from "./context.ts";

/**
 * The settings of the client, for the folder that a command works in. Read here rather than at the start: most commands that
 * only show something need none.
 *
 * @throws config_invalid, config_version_unknown, file_failed
 */
export async function loadSettings({
  env,
  landHome,
  cwd,
}: Pick<Context, "env" | "globals" | "cwd" | "landHome">): Promise<LoadedConfig> {
  const { loadConfig } = await import("#remote/config/load.ts");
  return loadConfig({ landHome, env, project: cwd });
}
