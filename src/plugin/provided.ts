import type { Plugin } from "./api.ts";

/** What `import { … } from "land"` gives besides types: the plugin as it is, with its type. */
function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

let provided = false;

/** Makes `import … from "land"` work in every module that is loaded from now on. */
export function provideLandModule(): void {
  if (provided) return;
  provided = true;
  Bun.plugin({
    name: "land",
    setup(build) {
      build.module("land", () => ({ exports: { definePlugin }, loader: "object" }));
    },
  });
}

/**
 * The declaration of the module "land", for editors: what stands in `api.ts`, and the events. Of a file that is also imported for
 * its values the bundler would embed no text: both hold types alone.
 */
export async function readLandModuleTypes(): Promise<string> {
  const events = await import("../base/hook-events.ts", { with: { type: "text" } });
  const api = await import("./api.ts", { with: { type: "text" } });
  const body = [
    ...typesOf(textOf(events)),
    ...typesOf(textOf(api)),
    "/** The plugin as it is, with its type. */\nexport function definePlugin(plugin: Plugin): Plugin;",
  ].join("\n\n");
  const head =
    '// What a plugin of land can use; `land plugin types` prints it.\ndeclare module "land" {';
  return [head, body.replace(/^(?=.)/gm, "  "), "}"].join("\n");
}

/** TypeScript takes an import of one of its files for what that exports, whatever the type that is asked for. */
function textOf(module: object): string {
  return String("default" in module ? module.default : "");
}

/** Every `export type X = …;` with the comment above it. */
function typesOf(source: string): string[] {
  const declaration =
    /^(?:\/\*\*(?:(?!\*\/)[^])*\*\/\n)?export type \w+ =[^]*?;\n(?=\n|\/\*\*|$)/gm;
  return (source.match(declaration) ?? []).map((text) => text.trimEnd());
}
