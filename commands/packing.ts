import { isAbsolute, relative, sep } from "node:path";

import type { Digest } from "#base/names.ts";
import { digestBytes } from "#pack/digest.ts";
import { type PublishableManifest, requirePublishable } from "#pack/manifest.ts";
import { checkProjectAgreement, type Project, readProject } from "#pack/project.ts";
import { findSecrets, type Secret } from "#pack/secrets.ts";
import { selectFiles, type Selection } from "#pack/select.ts";
import { rewriteForPublish } from "#pack/workspace-ranges.ts";
import { findWorkspaceRoot, readWorkspace } from "#pack/workspace.ts";
import { type PackedArchive, packProject } from "#pack/write.ts";

import type { Context } from "./context.ts";
import { renderBytes, renderCount, renderTable, shorten } from "./render.ts";

/** A package as `land publish` would send it. */
export type Packed = {
  manifest: PublishableManifest;
  archive: PackedArchive;
  selection: Selection;
  digest: Digest;
  /** Files that look as if they should not be sent. */
  secrets: Secret[];
  /** What `pack` and `publish` answer with --json. */
  value: {
    name: string;
    version: string;
    digest: string;
    sizeBytes: number;
    files: { path: string; sizeBytes: number }[];
  };
};

/**
 * Packs the project in `cwd` in memory, its `workspace:` ranges as they are published. `out` is left out where it lies
 * inside.
 *
 * @throws manifest_missing, manifest_invalid, workspace_invalid, archive_invalid, archive_too_large, file_failed
 */
export async function packFolder(cwd: string, out?: string): Promise<Packed> {
  const project = await forPublish(await readProject(cwd));
  const manifest = requirePublishable(project.manifest);
  checkProjectAgreement(project);
  const inside = out === undefined ? undefined : pathInside(project.dir, out);
  const selection = await selectFiles(project, inside === undefined ? [] : [inside]);
  const archive = await packProject(project, selection);
  const { digest } = await digestBytes(archive.bytes);
  return {
    manifest,
    archive,
    selection,
    digest,
    secrets: await findSecrets(project, selection),
    value: {
      name: manifest.name,
      version: manifest.version,
      digest,
      sizeBytes: archive.bytes.length,
      files: archive.files.map(({ path, sizeBytes }) => ({ path, sizeBytes })),
    },
  };
}

/** A project of a workspace says what those read who install it alone. The files on disk stay as they are. */
async function forPublish(project: Project): Promise<Project> {
  const speaks = Object.values(project.texts).some((text) => text.includes('"workspace:'));
  if (!speaks) return project;
  const root = await findWorkspaceRoot(project.dir);
  return rewriteForPublish(await readWorkspace(await readProject(root)), project);
}

/** `key.txt (a private key), id_rsa (a private key)`. */
export function renderSecrets(secrets: readonly Secret[]): string {
  return secrets.map(({ path, what }) => `${shorten(path, 60)} (${what})`).join(", ");
}

/** Tells of files that are in, or not, against what the user may think. A refusal names secrets itself. */
export function warnOfFiles(
  { warn }: Context,
  { secrets, selection }: Packed,
  options: { ofSecrets: boolean },
): void {
  if (options.ofSecrets && secrets.length > 0)
    warn(`These look like secrets: ${renderSecrets(secrets)}`);
  const links = selection.skipped.filter(({ why }) => why === "symbolic link");
  if (links.length > 0)
    warn(`Left out, being links: ${links.map(({ path }) => shorten(path, 60)).join(", ")}`);
}

/** Every file with its size and why it is in, then what the archive comes to. */
export function renderFiles({ archive, selection, value }: Packed): string {
  const why = new Map(selection.files.map((file) => [file.path, file.why]));
  const rows = archive.files.map(({ path, sizeBytes }) => [
    `  ${shorten(path, 60)}`,
    renderBytes(sizeBytes),
    shorten(why.get(path) ?? "made from the manifest", 40),
  ]);
  const total = `${renderCount(rows.length, "file")}, ${renderBytes(archive.unpackedBytes)}, packed ${renderBytes(value.sizeBytes)}`;
  return `${value.name}@${value.version}\n${renderTable(rows, [1])}\n${total}\n${value.digest}`;
}

function pathInside(dir: string, path: string): string | undefined {
  const way = relative(dir, path);
  return way === "" || way.startsWith("..") || isAbsolute(way)
    ? undefined
    : way.replaceAll(sep, "/");
}
