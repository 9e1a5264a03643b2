import { realpath, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { isMap } from "#pack/json.ts";
import type { SiteSettings } from "#pack/manifest.ts";

import { askChoice } from "./ask.ts";
import type { Context } from "./context.ts";
import { readPackageJson, readSiteProject } from "./site.ts";

/** What to deploy. */
export type SiteFolder = {
  /** The folder whose files are sent. Absolute. */
  dir: string;
  /** What the manifest says of the site, if there is one. */
  settings: SiteSettings | undefined;
  /** The program that the manifest names, relative to `dir`; undefined where it names none or it lies elsewhere. */
  main: string | undefined;
  /** The program that the manifest names and that lies elsewhere in the project. Absolute. */
  elsewhere: string | undefined;
  /** Where the manifest stands that was read; else the folder that was named, or the working folder. Absolute. */
  root: string;
};

/** Where generators put what they make. */
const OUTPUTS = ["dist", "build", "out", "public", "_site"];

/**
 * Finds the folder to deploy: the one that was named, or `site.dir` of a project that was named; else `site.dir` of the manifest
 * here; else the working folder, where it is no source of something still to be built.
 *
 * @throws usage where the folder is none, is the user's home or the root of the disk, or cannot be told; needs_flag, cancelled,
 * manifest_invalid
 */
export async function findSiteFolder(
  context: Context,
  given: string | undefined,
): Promise<SiteFolder> {
  const { cwd } = context;
  const named = given === undefined ? undefined : resolve(cwd, given);
  const ofNamed = named === undefined ? undefined : await readSiteProject(named);
  const project = ofNamed?.manifest.site ? ofNamed : await readSiteProject(cwd);
  const settings = project?.manifest.site;
  const own = settings?.dir === undefined ? undefined : resolve(project?.dir ?? cwd, settings.dir);
  // A project that was named is meant with its site, not with its sources.
  const isProject = named !== undefined && ofNamed !== undefined && project === ofNamed;
  const dir = (isProject ? own : undefined) ?? named ?? own ?? (await chooseFolder(context));
  if (isProject && own !== undefined && own !== ofNamed.dir)
    context.say(
      `The site of "${printable(named)}" is its folder ${printable(settings?.dir ?? "")}`,
    );
  await checkFolder(context, dir);
  const root = settings === undefined ? (named ?? cwd) : (project?.dir ?? cwd);
  return { dir, root, settings, ...(await placeMain(root, dir, settings)) };
}

/** The same folder with what its manifest says now. @throws manifest_invalid, file_failed */
export async function rereadSiteFolder({ dir, root }: SiteFolder): Promise<SiteFolder> {
  const settings = (await readSiteProject(root))?.manifest.site;
  return { dir, root, settings, ...(await placeMain(root, dir, settings)) };
}

async function placeMain(
  root: string,
  dir: string,
  settings: SiteSettings | undefined,
): Promise<Pick<SiteFolder, "main" | "elsewhere">> {
  const program = settings?.main === undefined ? undefined : resolve(root, settings.main);
  const real = await realpath(dir).catch(() => dir);
  const main = program === undefined ? undefined : pathBelow(real, program);
  return { main, elsewhere: main === undefined ? program : undefined };
}

/** A project with a build is not its own site: asks which folder is. @throws usage, cancelled */
async function chooseFolder(context: Context): Promise<string> {
  const { cwd } = context;
  const scripts = (await readPackageJson(cwd)).get("scripts");
  if (!isMap(scripts) || typeof scripts["build"] !== "string") return cwd;
  const built: string[] = [];
  for (const name of OUTPUTS) if (await isFolder(join(cwd, name))) built.push(name);
  const [first] = built;
  if (first === undefined) return cwd;
  if (!context.interactive)
    throw fail("usage", {
      problem: `Cannot tell which folder is the site: "${printable(cwd)}" has a build script, and ${built.join(", ")} may be what it makes`,
      hint: `Name the folder: \`land deploy ${first}\`, or \`land deploy .\` for this one`,
    });
  const choice = await askChoice(context, {
    flag: "DIR",
    what: "the folder",
    message: "Which folder is the site?",
    options: [
      ...built.map((name) => ({ value: name, label: name })),
      { value: ".", label: "this one, with the sources" },
    ],
  });
  return resolve(cwd, choice);
}

async function checkFolder({ world }: Context, dir: string): Promise<void> {
  const refuse = (problem: string, hint?: string) =>
    fail("usage", {
      problem: `Cannot deploy "${printable(dir)}": ${problem}`,
      ...(hint !== undefined && { hint }),
    });
  if (!(await isFolder(dir))) throw refuse("there is no such folder");
  const real = await realpath(dir);
  const name = "Name the folder of the site: `land deploy DIR`";
  if (resolve(real, "..") === real) throw refuse("it is the root of the disk", name);
  const home = await realpath(world.home).catch(() => world.home);
  if (home === real) throw refuse("it is your home folder", name);
  if (pathBelow(real, home) !== undefined) throw refuse("your home folder lies in it", name);
}

/** The way from a folder down to a path, with `/`; undefined where it leads out, and for the folder itself. */
function pathBelow(dir: string, path: string): string | undefined {
  const way = relative(dir, path);
  if (way === "" || way === ".." || way.startsWith(`..${sep}`) || /^[A-Za-z]:/.test(way))
    return undefined;
  return way.replaceAll(sep, "/").normalize("NFC");
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
