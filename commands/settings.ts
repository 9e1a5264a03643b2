import type { ClientConfigSources, LoadedConfig } from "#remote/config/load.ts";

import type { Context } from "./context.ts";

/**
 * The settings of the client, for the folder that a command works in. Read here rather than at the start: most commands that
 * only show something need none.
 *
 * @throws config_invalid, config_version_unknown, file_failed
 */
export async function loadSettings(
  about: Pick<Context, "env" | "cwd" | "landHome">,
  flags: ClientConfigSources["flags"] = {},
): Promise<LoadedConfig> {
  const { env, landHome, cwd } = about;
  const [{ loadConfig }, { findConfigFolder }] = await Promise.all([
    import("#remote/config/load.ts"),
    import("#remote/config/project.ts"),
  ]);
  return loadConfig({ landHome, env, project: await findConfigFolder(cwd), flags });
}
