import { realpath, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { bundleSiteProgram } from "#install/site-bundle.ts";
import type { SiteSelection } from "#pack/site-select.ts";
import type { DeployProgram } from "#remote/deploy.ts";

import type { Connection } from "./connect.ts";
import type { Context } from "./context.ts";
import type { SiteFolder } from "./deploy-folder.ts";
import { renderBytes, shorten } from "./render.ts";

/** A program ready to be deployed. */
export type BundledProgram = DeployProgram & {
  /** What its author calls it, relative to the project. */
  name: string;
  /** Of the code. */
  sizeBytes: number;
  /** The files it was made of, relative to the project. */
  inputs: string[];
};

/**
 * The program of a site in one file: what the manifest names, else what lies in the folder; undefined where there is none.
 *
 * `onInput` is told of each file that it depends on.
 *
 * @throws usage where the manifest names one that is not there; program_broken, file_failed
 */
export async function bundleProgramOf(
  context: Pick<Context, "world" | "warn">,
  { settings, elsewhere }: SiteFolder,
  { dir, program }: Pick<SiteSelection, "dir" | "program">,
  onInput?: (path: string) => void,
): Promise<BundledProgram | undefined> {
  const main = program === undefined ? elsewhere : join(dir, program);
  if (settings?.main !== undefined && (main === undefined || !(await isFile(main))))
    throw fail("usage", {
      problem: `Cannot deploy the program "${printable(settings.main)}" that land.json names: there is no such file`,
    });
  if (main === undefined) {
    warnOfNone(context, settings);
    return undefined;
  }
  onInput?.(main);
  const real = await realpath(dirname(main));
  const root = await findProject(real, context.world.home);
  const file = join(real, main.slice(dirname(main).length + 1));
  const { code, map, inputs, warnings } = await bundleSiteProgram({
    main: file,
    root,
    ...(onInput && { onInput }),
  });
  for (const warning of warnings) context.warn(warning);
  const name = relative(root, file).replaceAll(sep, "/");
  const [codeBytes, mapBytes] = [Buffer.from(code), map === undefined ? [] : [Buffer.from(map)]];
  const { routes = [], crons = [], database } = settings ?? {};
  return {
    name,
    sizeBytes: codeBytes.length,
    inputs,
    contents: [codeBytes, ...mapBytes],
    body: {
      main: {
        ...blobOf(codeBytes),
        ...(mapBytes[0] && { map: blobOf(mapBytes[0]) }),
        name,
        language: "js",
      },
      routes,
      crons,
      ...(database !== undefined && { database }),
    },
  };
}

/** What is said of a program tells that there should be one: most often it lies beside the folder that is deployed. */
function warnOfNone({ warn }: Pick<Context, "warn">, settings: SiteFolder["settings"]): void {
  const named = [
    ...((settings?.routes ?? []).length > 0 ? ["routes"] : []),
    ...((settings?.crons ?? []).length > 0 ? ["crons"] : []),
    ...(settings?.database === true ? ["database"] : []),
  ];
  if (named.length > 0)
    warn(
      `land.json has site.${named.join(", site.")}, and the site has no program: name it as site.main`,
    );
}

/**
 * Says where the program that is live now does not run, before a visitor finds out. The deploy is done: what hinders the asking is
 * not told.
 */
export async function warnOfProgram(
  { warn }: Pick<Context, "warn">,
  { remote }: Pick<Connection, "remote">,
  site: string,
): Promise<void> {
  try {
    const { programProblem } = await remote.startProgram(site);
    if (programProblem !== null)
      warn(`The program is live, and does not start: ${printable(programProblem)}`);
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
  }
}

/** `main.ts (12 kB)`. */
export function renderProgram(program: BundledProgram): string {
  return `${renderName(program)} (${renderBytes(program.sizeBytes)})`;
}

/** The name of a program, safe for a terminal. */
export function renderName({ name }: BundledProgram): string {
  return shorten(name, 60);
}

/**
 * The project that a program is part of: the nearest folder above it with a manifest, or the workspace around that, whose
 * packages may be linked; else its own folder. Never the user's home.
 */
async function findProject(start: string, home: string): Promise<string> {
  const real = await realpath(home).catch(() => home);
  let nearest: string | undefined;
  for (let dir = start; dir !== real && dirname(dir) !== dir; dir = dirname(dir)) {
    for (const file of ["land.json", "package.json"]) {
      const manifest = Bun.file(join(dir, file));
      if (!(await manifest.exists())) continue;
      nearest ??= dir;
      const value: unknown = await manifest.json().catch(() => undefined);
      if (typeof value === "object" && value !== null && "workspaces" in value) return dir;
    }
  }
  return nearest ?? start;
}

function blobOf(bytes: Uint8Array): { sha256: string; size: number } {
  return { sha256: Bun.SHA256.hash(bytes, "hex"), size: bytes.length };
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
