import { type Dirent, lstatSync, readdirSync } from "node:fs";

import { errorCode, fileFailed } from "#store/files.ts";

/** What stands at a path, links not followed. */
export type Seen =
  { kind: "file"; sizeBytes: number; executable: boolean } | { kind: "folder" | "link" | "other" };

/** Everything below a folder by its path relative to it, with `/`. Nothing is looked at through a link. @throws file_failed */
export function readFolder(root: string): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  const open = [""];
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const entry of entriesOf(`${root}/${at}`)) {
      const path = `${at}${entry.name}`;
      if (entry.isDirectory()) {
        seen.set(path, { kind: "folder" });
        open.push(`${path}/`);
      } else seen.set(path, seenAt(`${root}/${path}`));
    }
  return seen;
}

/** What stands at one path; undefined for nothing. @throws file_failed */
export function seenIfAny(path: string): Seen | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) && seenAt(path);
  } catch (cause) {
    if (errorCode(cause) === "ENOTDIR") return undefined;
    throw fileFailed("look at", path, cause);
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw fileFailed("look into", folder, cause);
  }
}

function seenAt(path: string): Seen {
  const found = lstatSync(path);
  if (found.isFile())
    return { kind: "file", sizeBytes: found.size, executable: (found.mode & 0o100) !== 0 };
  if (found.isDirectory()) return { kind: "folder" };
  return { kind: found.isSymbolicLink() ? "link" : "other" };
}
