import { readFileSync, rmSync, statSync } from "node:fs";

import { hexOf, type StorePlaces } from "./store-places.ts";
import type { StoredFile, StoredPackage } from "./stored.ts";

/** How closely one looks: at the size of a file, or at each of its bytes. */
export type Closeness = "size" | "content";

/** Removes those objects of a package that are not what they should be, and tells which files are not there now. */
export async function dropDamaged(
  { objectPath }: Pick<StorePlaces, "objectPath">,
  stored: StoredPackage,
  closeness: Closeness,
): Promise<StoredFile[]> {
  const lost: StoredFile[] = [];
  for (const file of stored.files) {
    const path = objectPath(file);
    if (await isWhole(path, file, closeness)) continue;
    rmSync(path, { force: true, recursive: true });
    lost.push(file);
  }
  return lost;
}

/** Whether a file is there with that size, and where one looks at the content, with that checksum. */
async function isWhole(
  path: string,
  { sizeBytes, sha256 }: Pick<StoredFile, "sizeBytes" | "sha256">,
  closeness: Closeness,
): Promise<boolean> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || found.size !== sizeBytes) return false;
  return closeness === "size" || (await hashFile(path)) === sha256;
}

/** Whether an archive has the bytes that its name says. */
export async function isWholeArchive(
  { archivePath }: Pick<StorePlaces, "archivePath">,
  digest: StoredPackage["digest"],
): Promise<boolean> {
  const path = archivePath(digest);
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (await hashFile(path)) === hexOf(digest);
}

/** Hex SHA-256 of a file; undefined where it cannot be read. */
export async function hashFile(path: string): Promise<string | undefined> {
  const hasher = new Bun.CryptoHasher("sha256");
  try {
    if (statSync(path).size <= AT_ONCE_BYTES)
      return hasher.update(readFileSync(path)).digest("hex");
    for await (const piece of Bun.file(path).stream()) hasher.update(piece);
    return hasher.digest("hex");
  } catch {
    return undefined;
  }
}

const AT_ONCE_BYTES = 4_000_000;
