import { join, relative, sep } from "node:path";

import type { SiteName } from "#base/names.ts";
import { editManifest, type ManifestEdit } from "#pack/edit.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { askYesOrNo } from "./ask.ts";
import type { Context } from "./context.ts";

/**
 * Offers to write the site into the land.json of the working folder, so that the next deploy need not ask. The folder is
 * written too where it lies below.
 *
 * @throws file_failed, cancelled
 */
export async function offerToKeepSite(
  context: Context,
  site: SiteName,
  dir: string,
): Promise<void> {
  const { cwd } = context;
  const way = relative(cwd, dir).replaceAll(sep, "/");
  // A folder elsewhere is no part of what lies here.
  if (way.startsWith("..") || /^(?:\/|[A-Za-z]:)/.test(way)) return;
  const yes = await askYesOrNo(context, {
    what: "whether to keep the name",
    message: `Keep "${site}" in land.json for the next deploy?`,
  });
  if (!yes) return;
  const path = join(cwd, "land.json");
  const edits: ManifestEdit[] = [{ path: ["site", "name"], value: site }];
  if (way !== "") edits.push({ path: ["site", "dir"], value: way });
  const text = (await readTextIfAny(path)) ?? "{}\n";
  await writeFileAtomic(path, editManifest(text, edits));
  context.say(`Wrote "${path}"`);
}
