import { readFileSync } from "node:fs";
import { join } from "node:path";

import { type Digest, parseDigest } from "#base/names.ts";
import { errorCode, fileFailed } from "#store/files.ts";

import { globalDir, globalNames } from "./global-folders.ts";
import type { State } from "./state-model.ts";

/**
 * All digests that the lock of a known project, of a global package or the state names: of these nothing is pruned. A lock
 * is only looked through, so that one of a newer land, or one with conflict markers, keeps what it names too.
 *
 * @throws file_failed where a lock is there and cannot be read, since what it needs is then not known
 */
export function namedDigests(landHome: string, { projects, globals }: State): Set<Digest> {
  const named = new Set<Digest>(globals.map(({ digest }) => digest));
  const folders = [
    ...projects.map(({ dir }) => dir),
    ...globalNames(landHome).map((name) => globalDir(landHome, name)),
  ];
  for (const folder of folders)
    for (const [digest] of readLockText(join(folder, "land.lock")).matchAll(DIGEST))
      named.add(parseDigest(digest));
  return named;
}

const DIGEST = /sha256:[0-9a-f]{64}(?![0-9a-f])/g;

function readLockText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(cause) ?? "")) return "";
    throw fileFailed("read", path, cause);
  }
}
