import { realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";

import { fail } from "#base/errors.ts";
import { fileFailed } from "#store/files.ts";

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
  const project = await findProject(real);
  if (!project) throw fail("manifest_missing", { dir });
  return project;
}

/** The same for a folder, links resolved, that may have no manifest. @throws manifest_invalid, file_failed */
export async function findProject(real: string): Promise<Project | undefined> {
  const texts = await readManifestTexts(real);
  if (texts["land.json"] === undefined && texts["package.json"] === undefined) return undefined;
  const project = makeProject(real, texts);
  await checkTargets(project);
  return project;
}

/** The manifests of a folder as they stand; nothing in them was checked. @throws manifest_invalid, file_failed */
export async function readManifestTexts(dir: string): Promise<Project["texts"]> {
  const [land, npm] = [await readText(dir, "land.json"), await readText(dir, "package.json")];
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

async function readText(dir: string, file: ManifestFile): Promise<string | undefined> {
  const path = join(dir, file);
  const handle = Bun.file(path);
  if (!(await handle.exists())) return undefined;
  if (handle.size > MAX_JSON_BYTES) {
    const problem = `is larger than ${MAX_JSON_BYTES} bytes`;
    throw fail("manifest_invalid", { file, field: "", problem });
  }
  const bytes = await handle.bytes().catch((cause: unknown) => {
    throw fileFailed("read", path, cause);
  });
  return decodeManifest(file, bytes);
}

/** A target that is not there yet is fine here: a build may make it. */
async function checkTargets({ dir, file, manifest }: Project): Promise<void> {
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
    const real =
      path === undefined ? undefined : await realpath(join(dir, path)).catch(() => undefined);
    if (real !== undefined && !isInside(dir, real))
      throw fail("manifest_invalid", {
        file,
        field,
        problem: "leads out of the project by a link",
      });
  }
}

function isInside(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !/^(?:[A-Za-z]:|\/)/.test(way);
}
