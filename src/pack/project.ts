import { readFileSync, realpathSync, statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { errorCode, fileFailed } from "#store/files.ts";

import { checkAgreement } from "./agreement.ts";
import { editManifest, type ManifestEdit } from "./edit.ts";
import { MAX_JSON_BYTES } from "./json.ts";
import { decodeManifest, type Manifest, type ManifestFile, parseManifest } from "./manifest.ts";

/** Both, in the order in which they count. */
export const MANIFEST_FILES = ["land.json", "package.json"] as const;

/** A folder with a manifest. */
export type Project = {
  /** Absolute, links resolved. */
  dir: string;
  /** Which of the two files counts: `land.json` where both stand. */
  file: ManifestFile;
  manifest: Manifest;
  /** The files as they stand, or as edited since. */
  texts: { [file in ManifestFile]?: string };
  hasLandJson: boolean;
  hasPackageJson: boolean;
  /** Where dependencies go, relative to `dir`. */
  installDir: string;
};

/**
 * Reads the manifest of a folder and checks that what it points at lies inside, links resolved.
 *
 * @throws manifest_missing, manifest_invalid, file_failed
 */
export async function readProject(dir: string): Promise<Project> {
  const real = await realpath(dir).catch(() => dir);
  const project = findProject(real);
  if (!project) throw fail("manifest_missing", { dir });
  return project;
}

/** The same for a folder, links resolved, that may have no manifest. @throws manifest_invalid, file_failed */
export function findProject(real: string): Project | undefined {
  const texts = readManifestTexts(real);
  if (texts["land.json"] === undefined && texts["package.json"] === undefined) return undefined;
  const project = makeProject(real, texts);
  checkTargets(project);
  return project;
}

/** The manifests of a folder as they stand; nothing in them was checked. @throws manifest_invalid, file_failed */
export function readManifestTexts(dir: string): Project["texts"] {
  const [land, npm] = [readText(dir, "land.json"), readText(dir, "package.json")];
  return {
    ...(land !== undefined && { "land.json": land }),
    ...(npm !== undefined && { "package.json": npm }),
  };
}

/**
 * The project with its manifests changed in memory, both where both stand. Nothing is written.
 *
 * @throws manifest_invalid
 */
export function editProject(project: Project, edits: ManifestEdit[]): Project {
  return editEach(project, () => edits);
}

/**
 * The same with changes of its own for each manifest, told from its text.
 *
 * @throws manifest_invalid
 */
export function editEach(
  project: Project,
  editsOf: (manifest: Manifest) => ManifestEdit[],
): Project {
  const texts = { ...project.texts };
  for (const file of MANIFEST_FILES)
    if (texts[file] !== undefined)
      texts[file] = editManifest(texts[file], editsOf(parseManifest(file, texts[file])));
  return makeProject(project.dir, texts);
}

/**
 * Checks that both manifests, where both stand, say the same of what clients act on. Needed before publishing.
 *
 * @throws manifest_invalid
 */
export function checkProjectAgreement(project: Project): void {
  const npm = project.texts["package.json"];
  if (project.file === "land.json" && npm !== undefined)
    checkAgreement(project.manifest, parseManifest("package.json", npm));
}

function makeProject(dir: string, texts: Project["texts"]): Project {
  const file = texts["land.json"] === undefined ? "package.json" : "land.json";
  const manifest = parseManifest(file, texts[file] ?? "");
  const hasPackageJson = texts["package.json"] !== undefined;
  return {
    dir,
    file,
    manifest,
    texts,
    hasLandJson: file === "land.json",
    hasPackageJson,
    installDir: manifest.installDir ?? (hasPackageJson ? "node_modules" : "land_modules"),
  };
}

/** At once: a workspace has many of them, and waiting for each costs more than reading it. */
function readText(dir: string, file: ManifestFile): string | undefined {
  const path = join(dir, file);
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) return undefined;
    if (stat.size > MAX_JSON_BYTES) {
      const problem = `is larger than ${MAX_JSON_BYTES} bytes`;
      throw fail("manifest_invalid", { file, field: "", problem });
    }
    return decodeManifest(file, readFileSync(path));
  } catch (error) {
    if (error instanceof LandError) throw error;
    if (errorCode(error) === "ENOTDIR" || errorCode(error) === "ENOENT") return undefined;
    throw fileFailed("read", path, error);
  }
}

/** A target that is not there yet is fine here: a build may make it. */
function checkTargets({ dir, file, manifest }: Project): void {
  const targets: [string, string | undefined][] = [
    ["main", manifest.main],
    ["installDir", manifest.installDir],
    ["site.dir", manifest.site?.dir],
    ["site.main", manifest.site?.main],
    ...Object.entries(manifest.bin).map(([command, path]): [string, string] => [
      `bin.${command}`,
      path,
    ]),
  ];
  for (const [field, path] of targets) {
    const real = path === undefined ? undefined : realPathIfAny(join(dir, path));
    if (real !== undefined && !isInside(dir, real))
      throw fail("manifest_invalid", {
        file,
        field,
        problem: "leads out of the project by a link",
      });
  }
}

/** Where a path leads; of one that is not there yet, where the deepest folder above it does. */
function realPathIfAny(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? undefined : realPathIfAny(above);
  }
}

function isInside(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !/^(?:[A-Za-z]:|\/)/.test(way);
}
