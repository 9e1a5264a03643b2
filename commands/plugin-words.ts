import type { PluginRecords } from "#plugin/records.ts";
import { bundledCommands } from "#plugins/all.ts";

import type { Candidate } from "./complete-values.ts";
import { landHomeOf, type World } from "./context.ts";

/** The commands of plugins as far as they are known without running one: of those that land brings, and of those that were added. */
export async function pluginWords(
  world: Pick<World, "env" | "cwd" | "home">,
): Promise<Candidate[]> {
  if (/^(?:1|true|yes|on)$/i.test(world.env["LAND_NO_PLUGINS"] ?? "")) return [];
  const { readRecords } = await import("#plugin/records.ts");
  const records = await readRecords(landHomeOf(world)).catch((): PluginRecords => new Map());
  const added = [...records.values()].flatMap(({ commands }) => commands);
  return [...bundledCommands, ...added].map((text) => ({ text, about: "Command of a plugin" }));
}
