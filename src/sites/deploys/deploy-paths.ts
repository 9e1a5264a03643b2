import { fail, type LandError } from "#base/errors.ts";
import { type Digest, parseDigest, printable } from "#base/names.ts";
import { runWhole, type Sliced } from "#base/slices.ts";

import { OWN_FOLDER } from "../addresses.ts";
import type { FileList } from "../model.ts";

/** One line of a manifest. */
export type ManifestFile = {
  /** NFC, relative, with `/` between its segments. */
  path: string;
  digest: Digest;
  sizeBytes: number;
};

const MAX_PATH_BYTES = 512;
/** Files judged between two turns of others. */
const SLICE = 500;

/**
 * Why no deploy may hold this path, as the end of a sentence about it; undefined where it may. Names are bytes to a site: they
 * are case-sensitive, and what a file system would make of them does not matter, since none ever sees them.
 */
export function problemOfDeployPath(path: string): string | undefined {
  if (path === "") return "its path is empty";
  if (!path.isWellFormed() || path.includes("\uFFFD")) return "its path is not valid UTF-8";
  if (path.startsWith("/")) return "its path begins with a slash";
  if (path.includes("\\")) return "its path holds a backslash";
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) return "its path holds a control character";
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    return `its path is longer than ${MAX_PATH_BYTES} bytes`;
  const segments = path.split("/");
  if (segments.includes("")) return "its path holds an empty segment";
  if (segments.includes(".")) return 'its path holds a "." segment';
  if (segments.includes("..")) return 'its path holds a ".." segment';
  if (segments[0] === OWN_FOLDER) return `the folder "${OWN_FOLDER}" belongs to the server`;
  return undefined;
}

/**
 * The manifest of files as sent, their paths in NFC.
 *
 * @throws deploy_path_invalid for a path that is refused, two that are one after NFC, a file that is also a folder
 */
export function* sliceFileList(files: FileList): Sliced<ManifestFile[]> {
  const listed: ManifestFile[] = [];
  for (const [path, { sha256, size }] of Object.entries(files)) {
    if (listed.length % SLICE === SLICE - 1) yield;
    const digest = parseDigest(`sha256:${sha256}`);
    listed.push({ path: parseDeployPath(path), digest, sizeBytes: size });
  }
  yield* sliceManifest(listed);
  return listed;
}

/** What `sliceFileList` answers, at once: for short lists. */
export function parseFileList(files: FileList): ManifestFile[] {
  return runWhole(sliceFileList(files));
}

/** The path in NFC. @throws deploy_path_invalid */
function parseDeployPath(path: string): string {
  const composed = path.normalize("NFC");
  const problem = problemOfDeployPath(path) ?? problemOfDeployPath(composed);
  if (problem !== undefined) throw refusePath(path, problem);
  return composed;
}

/** Refuses lines of a manifest that cannot stand beside each other. @throws deploy_path_invalid */
export function* sliceManifest(files: readonly ManifestFile[]): Sliced<void> {
  const paths = new Set<string>();
  for (const { path } of files) {
    if (paths.has(path)) throw refusePath(path, "the same path, after Unicode NFC, stands twice");
    paths.add(path);
    if (paths.size % (SLICE * 4) === 0) yield;
  }
  const checked = new Set<string>();
  for (const path of paths)
    for (const folder of foldersOf(path)) {
      if (checked.has(folder)) break;
      if (paths.has(folder)) throw refusePath(folder, "it is a file and a folder");
      checked.add(folder);
      if (checked.size % (SLICE * 4) === 0) yield;
    }
}

/** The folders above a path, the innermost first. */
export function* foldersOf(path: string): Generator<string> {
  for (let end = path.lastIndexOf("/"); end !== -1; end = path.lastIndexOf("/", end - 1))
    yield path.slice(0, end);
}

/** A refusal that names the file. */
export function refusePath(path: string, problem: string): LandError {
  return fail("deploy_path_invalid", { path: printable(path), problem });
}
