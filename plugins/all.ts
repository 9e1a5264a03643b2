/**
 * `plugins` are those that land brings, each written as a stranger would write it, with what "land" gives alone.
 * The commands load them as they load the user's. They must never import anything else of land.
 */
import type { Plugin } from "#plugin/api.ts";

/** The commands of these plugins, for completions: a press of Tab loads none. */
export const bundledCommands: readonly string[] = ["licenses", "sbom"];

/** Every plugin that land brings, by its name. The imports are literal, so that the compiled binary holds them and loads none unasked. */
export const bundled: Readonly<Record<string, () => Promise<{ default: Plugin }>>> = {
  licenses: () => import("./licenses.ts"),
  notify: () => import("./notify.ts"),
  sbom: () => import("./sbom.ts"),
};
