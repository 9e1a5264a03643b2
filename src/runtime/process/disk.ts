import { chmod, lstat, opendir, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";

import { errorCode } from "#store/files.ts";

/** A file counts at least this much: names cost too, and while many are looked at one by one, nobody sees what is written. */
const LEAST_BYTES = 64 * 1024;
const OWN_FOLDER = 0o700;
/** Nobody needs deeper folders for a database. */
const MAX_DEPTH = 16;

/**
 * Bytes on disk of all in a folder, links not followed; 0 where there is none. Stops counting where it is more than `enough`:
 * who fills a folder with a million files shall not make us look at each.
 */
export async function measureFolder(
  folder: string,
  enough = Number.POSITIVE_INFINITY,
): Promise<number> {
  let sum = 0;
  const walk = async (path: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) {
      sum = Number.POSITIVE_INFINITY;
      return;
    }
    for await (const entry of await opendir(path)) {
      if (sum > enough) return;
      const inner = join(path, entry.name);
      const found = await lstat(inner).catch(() => undefined);
      // It may have gone meanwhile: SQLite's own files come and go.
      if (!found) continue;
      sum += Math.max(LEAST_BYTES, found.blocks * 512);
      if (found.isDirectory()) await walk(inner, depth + 1).catch(judge);
    }
  };
  // What we may not look into, a program closed to us: there could be anything.
  const judge = (cause: unknown): void => {
    if (errorCode(cause) !== "ENOENT") sum = Number.POSITIVE_INFINITY;
  };
  await walk(folder, 0).catch(judge);
  return sum;
}

/**
 * Removes a folder that a program wrote; nothing may write there any more. Folders in folders are lifted up first: a program nests them so
 * deeply that to go down would take for ever, and closes them to whoever does.
 */
export async function removeFolder(folder: string, random: () => string): Promise<void> {
  for (;;) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(noneIfAbsent);
    if (entries.length === 0) break;
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await flatten(path, folder, random);
      else await unlink(path);
    }
  }
  await rm(folder, { recursive: true, force: true });
}

/** Removes a folder; the folders in it stay, one level higher. */
async function flatten(path: string, above: string, random: () => string): Promise<void> {
  await chmod(path, OWN_FOLDER);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (!entry.isDirectory()) await unlink(inner);
    else {
      await chmod(inner, OWN_FOLDER);
      await rename(inner, join(above, random()));
    }
  }
  await rmdir(path);
}

function noneIfAbsent(cause: unknown): [] {
  if (errorCode(cause) === "ENOENT") return [];
  throw cause;
}
