import { LandError } from "#base/errors.ts";
import { parseSiteName, type SiteName } from "#base/names.ts";

import { askToGoOn } from "./ask.ts";
import type { Connection } from "./connect.ts";
import type { Context } from "./context.ts";
import type { SiteFolder } from "./deploy-folder.ts";
import { askSiteName, suggestSiteName } from "./site.ts";

/**
 * The site to deploy to: the flag, else the manifest, else the user's answer, and whether it was asked for.
 *
 * @throws needs_flag, cancelled, name_invalid
 */
export async function settleSiteToDeploy(
  context: Context,
  given: string | undefined,
  { dir, settings }: SiteFolder,
): Promise<{ site: SiteName; asked: boolean }> {
  const known = given ?? settings?.name;
  if (known !== undefined) return { site: parseSiteName(known), asked: false };
  // The output of a build is named after its tool; its project has the better name.
  const suggestion = suggestSiteName(
    /^(?:dist|build|out|public|_site)$/.test(baseOf(dir)) ? context.cwd : dir,
  );
  return { site: await askSiteName(context, suggestion), asked: true };
}

function baseOf(dir: string): string {
  return dir.slice(Math.max(dir.lastIndexOf("/"), dir.lastIndexOf("\\")) + 1);
}

/**
 * Makes the site where there is none of that name. At a terminal it asks first: the name may be mistyped.
 *
 * @throws site_taken, site_not_found where the token may deploy to it but not make it, cancelled, and what the server tells
 */
export async function withSite(
  context: Context,
  { remote, registry }: Connection,
  site: SiteName,
): Promise<void> {
  const unknown = await whyNot(remote.readSite(site), "site_not_found", "scope_missing");
  // A key of another site may not even look: deploying tells which scope it needs.
  if (unknown?.code !== "site_not_found") return;
  if (context.interactive)
    await askToGoOn(context, {
      what: "whether to make the site",
      message: `Make the new site "${site}" on ${registry}?`,
    });
  // A key of one site can make none: then it is the name that is wrong.
  if (await whyNot(remote.createSite(site), "scope_missing")) throw unknown;
  context.say(`Made the site ${site}`);
}

/** The error of one of these codes, undefined where all went well. Other errors come out. */
async function whyNot(
  work: Promise<unknown>,
  ...codes: readonly string[]
): Promise<LandError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof LandError && codes.includes(error.code)) return error;
    throw error;
  }
}
