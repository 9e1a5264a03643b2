import type { ProgramSource } from "#server/dev-program.ts";

import type { Context } from "./context.ts";
import { rereadSiteFolder, type SiteFolder } from "./deploy-folder.ts";
import { bundleProgramOf } from "./deploy-program.ts";

/** The program of a folder, found and bundled as `land deploy` does it, again and again. What is to be warned of is told once. */
export function programSourceOf(context: Context, first: SiteFolder): ProgramSource {
  const told = new Set<string>();
  const warn = (text: string): void => {
    if (told.has(text)) return;
    told.add(text);
    context.warn(text);
  };
  let folder = first;
  return {
    root: first.root,
    main: () => folder.main,
    async reread() {
      folder = await rereadSiteFolder(first);
      if (folder.settings?.dir !== first.settings?.dir)
        warn("land.json names another folder now: start land dev again to serve that");
    },
    bundle: (site, onInput) =>
      bundleProgramOf({ world: context.world, warn }, folder, site, onInput),
  };
}
