import { stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import {
  isReservedSiteName,
  isSiteName,
  parseSiteName,
  printable,
  type SiteName,
} from "#base/names.ts";
import { isMap } from "#pack/json.ts";
import type { SiteSettings } from "#pack/manifest.ts";
import { type Project, readProject } from "#pack/project.ts";
import { readTextIfAny } from "#store/files.ts";

import { askText } from "./ask.ts";
import type { Args } from "./command.ts";
import type { Context } from "./context.ts";

/** The flag of every command that is about one site. */
export const siteArgs = {
  site: {
    type: "text",
    short: "s",
    value: "NAME",
    about: "Name of the site (default: site.name of land.json)",
  },
} as const satisfies Args;

/** Arguments of the commands that are about the site itself: its name may come first. */
export const placedSiteArgs = {
  name: { type: "optional", name: "site", about: "Name of the site" },
  ...siteArgs,
} as const satisfies Args;

/**
 * The site that is meant: as named, else by the land.json in the working folder, else by the user.
 *
 * @throws needs_flag, cancelled, name_invalid, manifest_invalid
 */
export async function settleSite(context: Context, given: string | undefined): Promise<SiteName> {
  const known = given ?? (await readSiteSettings(context.cwd))?.name;
  if (known !== undefined) return parseSiteName(known);
  return askSiteName(context, suggestSiteName(context.cwd));
}

/** The site of {@link placedSiteArgs}. @throws usage where the place and the flag name two, and what {@link settleSite} throws */
export async function settlePlacedSite(
  context: Context,
  given: { name: string | undefined; site: string | undefined },
): Promise<SiteName> {
  return settleSite(context, oneName(given));
}

/** @throws usage where two sites are named */
function oneName({ name, site }: { name: string | undefined; site: string | undefined }) {
  if (name !== undefined && site !== undefined && name !== site)
    throw fail("usage", {
      problem: `Cannot tell which site is meant: "${printable(name)}" or "${printable(site)}"`,
      hint: "Name it once: by its place, or with --site (LAND_SITE)",
    });
  return name ?? site;
}

/** Asks for the name of a site. @throws needs_flag, cancelled */
export async function askSiteName(context: Context, initial: string): Promise<SiteName> {
  const answer = await askText(context, {
    flag: "--site",
    what: "the name of the site",
    message: "Name of the site",
    initial,
    validate: parseSiteName,
  });
  return parseSiteName(answer);
}

/** A folder's name in the letters of a site's name, one that a site may have: `my-app` for `app`; "" where nothing is left of it. */
export function suggestSiteName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 50)
    .replace(/^-+|-+$/g, "");
  if (!isSiteName(name)) return "";
  return isReservedSiteName(name, []) ? `my-${name}` : name;
}

/** What the manifest of a folder says of its site, if anything. @throws manifest_invalid, file_failed */
async function readSiteSettings(dir: string): Promise<SiteSettings | undefined> {
  return (await readSiteProject(dir))?.manifest.site;
}

/**
 * The project of a folder with a land.json, or with a package.json that speaks of a site: one that does not may be of any form,
 * and is none of our business.
 *
 * @throws manifest_invalid, file_failed
 */
export async function readSiteProject(dir: string): Promise<Project | undefined> {
  const isThere = await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere) return undefined;
  const own = (await readTextIfAny(join(dir, "land.json"))) !== undefined;
  if (!own && !(await readPackageJson(dir)).has("site")) return undefined;
  try {
    return await readProject(dir);
  } catch (error) {
    if (error instanceof LandError && error.code === "manifest_missing") return undefined;
    throw error;
  }
}

/** The members of a package.json; none where there is none, or where it is not readable. */
export async function readPackageJson(dir: string): Promise<Map<string, unknown>> {
  try {
    const value: unknown = JSON.parse((await readTextIfAny(join(dir, "package.json"))) ?? "{}");
    return new Map(isMap(value) ? Object.entries(value) : []);
  } catch {
    return new Map();
  }
}

/** A site that must be named outright where nobody is asked: an act that cannot be taken back. @throws needs_flag, name_invalid */
export async function settleNamedSite(
  context: Context,
  given: { name: string | undefined; site: string | undefined },
): Promise<SiteName> {
  const name = oneName(given);
  if (name === undefined && !context.interactive)
    throw fail("needs_flag", { flag: "the name of the site", what: "the site" });
  return settleSite(context, name);
}
