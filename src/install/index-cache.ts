import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { LandError } from "#base/errors.ts";
import { isMap } from "#pack/json.ts";
import { type IndexEntry, parseIndex } from "#remote/index-lines.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";
import { errorCode, fileFailed, randomHex } from "#store/files.ts";

/** Whose index: where it is kept is made of these. */
export type IndexPlace = { landHome: string; registry: RegistryUrl; name: string };

/** An index as it was when it was asked for last. */
export type CachedIndex = { etag: string; entries: IndexEntry[] };

const DAY_MS = 86_400_000;

/** Where they all lie. */
export function indexFolder(landHome: string): string {
  return join(landHome, "cache", "index");
}

function pathOf({ landHome, registry, name }: IndexPlace): string {
  return join(indexFolder(landHome), encodeURIComponent(registry), encodeURIComponent(name));
}

/** An index kept from before; undefined where there is none or it is not whole, which only costs asking again. */
export function readCachedIndex(place: IndexPlace, url: string): CachedIndex | undefined {
  const cached = readCachedText(place);
  if (!cached) return undefined;
  try {
    return { etag: cached.etag, entries: parseIndex(place.name, cached.text, url) };
  } catch (error) {
    if (error instanceof LandError) return undefined;
    throw error;
  }
}

/** The same as the registry sent it. Nothing of the text was checked. */
export function readCachedText(place: IndexPlace): { etag: string; text: string } | undefined {
  let content: string;
  try {
    content = readFileSync(pathOf(place), "utf8");
  } catch {
    return undefined;
  }
  const end = content.indexOf("\n");
  try {
    const head: unknown = JSON.parse(content.slice(0, end));
    const text = content.slice(end + 1);
    if (!isMap(head) || typeof head["etag"] !== "string") return undefined;
    return head["bytes"] === Buffer.byteLength(text) ? { etag: head["etag"], text } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Keeps an index. It is written beside and renamed, without waiting for the disk: hundreds come at once, and one that a power
 * failure cut is seen by its length.
 *
 * @throws file_failed
 */
export function writeCachedIndex(place: IndexPlace, etag: string, text: string): void {
  const path = pathOf(place);
  const temporary = `${path}.${randomHex()}.tmp`;
  const content = `${JSON.stringify({ etag, bytes: Buffer.byteLength(text) })}\n${text}`;
  try {
    try {
      writeFileSync(temporary, content);
    } catch (cause) {
      if (errorCode(cause) !== "ENOENT") throw cause;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(temporary, content);
    }
    renameSync(temporary, path);
  } catch (cause) {
    // Where a part of the path is a file, there is nothing to remove, and the system says so.
    if (errorCode(cause) !== "ENOTDIR") rmSync(temporary, { force: true });
    throw fileFailed("write", path, cause);
  }
}

/** Notes that an index was of use, so that it is not taken for one that nobody needs. */
export function keepCachedIndex(place: IndexPlace, now: Date): void {
  const path = pathOf(place);
  try {
    if (now.getTime() - statSync(path).mtimeMs > DAY_MS) utimesSync(path, now, now);
  } catch {
    // A cache that may only be read.
  }
}

/** What pruning took away. */
export type PrunedIndexes = { files: number; bytes: number };

/**
 * Removes indexes that were of no use for `maxAgeDays` (0: never), then the longest unused ones until `maxBytes` are left. Those that
 * are gone are asked for again; nobody waits meanwhile.
 */
export async function pruneIndexCache(
  landHome: string,
  limits: { maxBytes: number; maxAgeDays: number; now: Date },
): Promise<PrunedIndexes> {
  const found = await listIndexes(landHome);
  const oldest = limits.now.getTime() - limits.maxAgeDays * DAY_MS;
  let left = found.reduce((sum, { bytes }) => sum + bytes, 0);
  const pruned = { files: 0, bytes: 0 };
  for (const { path, bytes, usedMs } of found.toSorted((a, b) => a.usedMs - b.usedMs)) {
    const isOld = limits.maxAgeDays > 0 && usedMs < oldest;
    if (!isOld && left <= limits.maxBytes) break;
    await rm(path, { force: true }).catch(() => undefined);
    left -= bytes;
    pruned.files += 1;
    pruned.bytes += bytes;
  }
  return pruned;
}

async function listIndexes(
  landHome: string,
): Promise<{ path: string; bytes: number; usedMs: number }[]> {
  const names = await readdir(indexFolder(landHome), { recursive: true }).catch(() => []);
  const found: { path: string; bytes: number; usedMs: number }[] = [];
  for (const name of names) {
    const path = join(indexFolder(landHome), name);
    const about = await stat(path).catch(() => undefined);
    // A link that leads nowhere any more is of no use.
    if (!about) found.push({ path, bytes: 0, usedMs: 0 });
    if (about?.isFile()) found.push({ path, bytes: about.size, usedMs: about.mtimeMs });
  }
  return found;
}
