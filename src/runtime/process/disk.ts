import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";

/** A file counts at least this much: names cost too, and while many are looked at one by one, nobody sees what is written. */
const LEAST_BYTES = 64 * 1024;
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
      if (found.isDirectory()) await walk(inner, depth + 1).catch(() => undefined);
    }
  };
  await walk(folder, 0).catch(() => undefined);
  return sum;
}
