import { isBuiltin } from "node:module";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { runInSlices } from "#base/slices.ts";
import { MAX_JSON_BYTES } from "#pack/json.ts";
import { type SiteSettings, sliceSite } from "#pack/manifest-site.ts";
import { decodeManifest } from "#pack/manifest.ts";
import { sliceImports } from "#pack/scan-imports.ts";
import { findUnserved } from "#pack/site-program.ts";
import type { Ctx } from "#store/ctx.ts";

import type { ManifestFile } from "./deploy-paths.ts";
import { type NewProgram, parseProgram } from "./program.ts";

/** What is deployed of an archive or a folder, and what who sent it may not expect of that. */
export type ArchiveContent = {
  files: ManifestFile[];
  warnings: string[];
  program?: NewProgram;
};

const LANGUAGES = new Map<string, "js" | "ts">([
  ["ts", "ts"],
  ["mts", "ts"],
  ["js", "js"],
  ["mjs", "js"],
]);
/** Imports that a warning names. */
const SHOWN = 3;

/**
 * Tells the files of an archive that are served from its manifest and its program. Their bytes are kept already. A program is
 * taken where it is one finished file: nothing is bundled here. Of the manifest only `site` counts.
 *
 * @throws program_invalid, cron_invalid; manifest_invalid where there is a program whose manifest cannot be read
 */
export async function settleArchive(
  ctx: Ctx,
  all: readonly ManifestFile[],
): Promise<ArchiveContent> {
  const { settings, problem } = await readSettings(ctx, all);
  const folder = folderOf(all, settings);
  const files = all
    .filter(({ path }) => path.startsWith(folder))
    .map(({ path, digest, sizeBytes }) => ({
      path: path.slice(folder.length),
      digest,
      sizeBytes,
    }));
  const main = settings?.main;
  const within = main?.startsWith(folder) ? main.slice(folder.length) : null;
  const { program, paths } = findUnserved(
    new Set(files.map(({ path }) => path)),
    main === undefined ? undefined : within,
  );
  const served = files.filter(({ path }) => !paths.has(path));
  const path = program === undefined ? main : folder + program;
  const find = (wanted: string) => all.find((one) => one.path === wanted);
  const file = path === undefined ? undefined : find(path);
  if (!file) return { files: served, warnings: problem ? [`${problem.message}: not obeyed`] : [] };
  if (problem) throw problem;
  return { files: served, ...(await takeProgram(ctx, file, find(`${file.path}.map`), settings)) };
}

type Settings = { settings?: SiteSettings | undefined; problem?: LandError };

/** What the archive's own land.json says of the site, or why that is not known. */
async function readSettings(ctx: Ctx, all: readonly ManifestFile[]): Promise<Settings> {
  const file = all.find(({ path }) => path === "land.json");
  if (!file) return {};
  try {
    if (file.sizeBytes > MAX_JSON_BYTES)
      throw fail("manifest_invalid", {
        file: "land.json",
        field: "",
        problem: `is larger than ${MAX_JSON_BYTES} bytes`,
      });
    const text = decodeManifest("land.json", await readBytes(ctx, file));
    return { settings: await runInSlices(sliceSite(text)) };
  } catch (error) {
    if (error instanceof LandError && error.code === "manifest_invalid") return { problem: error };
    throw error;
  }
}

/** `public/` where the manifest says so and there is such a folder; "" for the whole archive. */
function folderOf(all: readonly ManifestFile[], settings: SiteSettings | undefined): string {
  const dir = settings?.dir ?? ".";
  const folder = `${dir}/`;
  return dir !== "." && all.some(({ path }) => path.startsWith(folder)) ? folder : "";
}

async function takeProgram(
  ctx: Ctx,
  file: ManifestFile,
  map: ManifestFile | undefined,
  settings: SiteSettings | undefined,
): Promise<Pick<ArchiveContent, "warnings" | "program">> {
  const leftOut = (why: string) => ({
    warnings: [`${printable(file.path)} was left out: ${why}; \`land deploy\` bundles programs`],
  });
  const language = LANGUAGES.get(file.path.slice(file.path.lastIndexOf(".") + 1));
  if (language === undefined) return leftOut("a program that is not bundled is .ts, .js or .mjs");
  const { routes = [], crons = [], database } = settings ?? {};
  // Sizes are judged before a byte is read.
  const program = parseProgram(ctx, {
    main: {
      ...blobOf(file),
      name: file.path,
      language,
      // What is not bundled is its own source.
      ...(map && language === "js" && { map: blobOf(map) }),
    },
    routes,
    crons,
    ...(database !== undefined && { database }),
  });
  const source = new TextDecoder().decode(await readBytes(ctx, file));
  const foreign = (await runInSlices(sliceImports(source))).filter((name) => !isOwn(name));
  if (foreign.length === 0) return { warnings: [], program };
  const shown = foreign.slice(0, SHOWN).map((name) => `"${printable(name)}"`);
  const more = foreign.length > SHOWN ? ` and ${foreign.length - SHOWN} more` : "";
  return leftOut(`it imports ${shown.join(", ")}${more}, and an archive is not bundled`);
}

/** What every program may import without bringing it. */
function isOwn(name: string): boolean {
  return /^(?:bun|node):|^bun$/.test(name) || isBuiltin(name);
}

function blobOf({ digest, sizeBytes }: ManifestFile): { sha256: string; size: number } {
  return { sha256: digest.slice("sha256:".length), size: sizeBytes };
}

async function readBytes(ctx: Ctx, { digest }: ManifestFile): Promise<Uint8Array> {
  const blob = await ctx.blobs.find(digest);
  if (!blob) throw new Error(`the blob ${digest} was kept just now, and is not there`);
  return blob.bytes();
}
