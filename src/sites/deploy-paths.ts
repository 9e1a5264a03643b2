import { fail, type LandError } from "#base/errors.ts";
import { type Digest, parseDigest, printable } from "#base/names.ts";

import type { FileList } from "./model.ts";

/** One line of a manifest. */
export type ManifestFile = {
  /** NFC, relative, with `/` between its segments. */
  path: string;
  digest: Digest;
  sizeBytes: number;
};

const MAX_PATH_BYTES = 512;
/** The first segment of what the server itself answers on every site. */
const OWN_FOLDER = ".land";

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
 * The manifest of files as sent, their paths in NFC and in order.
 *
 * @throws deploy_path_invalid for a path that is refused, two that are one after NFC, a file that is also a folder
 */
export function parseFileList(files: FileList): ManifestFile[] {
  const listed = Object.entries(files).map(([path, { sha256, size }]) => ({
    path: parseDeployPath(path),
    digest: parseDigest(`sha256:${sha256}`),
    sizeBytes: size,
  }));
  return sortManifest(listed);
}

/** The path in NFC. @throws deploy_path_invalid */
function parseDeployPath(path: string): string {
  const composed = path.normalize("NFC");
  const problem = problemOfDeployPath(path) ?? problemOfDeployPath(composed);
  if (problem !== undefined) throw refusePath(path, problem);
  return composed;
}

/** Puts lines in the order of their paths, and refuses what cannot stand beside each other. @throws deploy_path_invalid */
export function sortManifest(files: readonly ManifestFile[]): ManifestFile[] {
  const byPath = new Map<string, ManifestFile>();
  for (const file of files) {
    if (byPath.has(file.path))
      throw refusePath(file.path, "the same path, after Unicode NFC, stands twice");
    byPath.set(file.path, file);
  }
  const checked = new Set<string>();
  for (const path of byPath.keys())
    for (const folder of foldersOf(path)) {
      if (checked.has(folder)) break;
      if (byPath.has(folder)) throw refusePath(folder, "it is a file and a folder");
      checked.add(folder);
    }
  // Code units: all that matters is that the order is one.
  return [...byPath.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
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
