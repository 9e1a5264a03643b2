import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { isMap } from "./json.ts";
import { SECRETS_RULES } from "./secrets.ts";
import type { SiteFile } from "./site-select.ts";
import { RACY_MS } from "./site-stamp.ts";

/** What hashing a file found. */
export type Hashed = {
  /** Lower case hex. */
  sha256: string;
  /** What kind of secret the file looks like, if any. */
  secret: string | undefined;
};

/** What an earlier run found, by path on the disk. A hint: whoever relies on it for good hashes again. */
export type SiteHashes = {
  /** What was found of this very file, where it did not change since. */
  find: (file: SiteFile) => Hashed | undefined;
};

/** Folders whose hashes are kept. */
const KEPT = 50;
const VERSION = `1.${SECRETS_RULES}`;

/** Reads the hashes kept for a folder. What is not readable, or was written by another version, counts as nothing. */
export async function readSiteHashes(cache: string, dir: string): Promise<SiteHashes> {
  const known = parse(await readTextIfAny(pathOf(cache, dir)).catch(() => undefined), dir);
  return {
    find(file) {
      const found = known.get(file.onDisk);
      return found?.stamp === file.stamp ? found : undefined;
    },
  };
}

/**
 * Keeps the hashes of a folder for the next run, but those of files that had just changed at `hashedAt`. A cache that cannot
 * be written is no reason to fail.
 */
export async function writeSiteHashes(
  cache: string,
  dir: string,
  files: readonly (SiteFile & Hashed)[],
  hashedAt: Date,
): Promise<void> {
  const settled = hashedAt.getTime() - RACY_MS;
  const rows = files
    .filter(({ changedAtMs }) => changedAtMs < settled)
    .map(({ onDisk, stamp, sha256, secret }) =>
      JSON.stringify([onDisk, stamp, sha256, ...(secret === undefined ? [] : [secret])]),
    );
  const head = JSON.stringify({ version: VERSION, dir });
  await writeFileAtomic(pathOf(cache, dir), `${[head, ...rows].join("\n")}\n`).catch(() => {});
  await dropOldest(cache).catch(() => {});
}

function pathOf(cache: string, dir: string): string {
  return join(cache, "sites", `${Bun.SHA256.hash(dir, "hex").slice(0, 32)}.ndjson`);
}

type Known = Hashed & { stamp: string };

function parse(text: string | undefined, dir: string): Map<string, Known> {
  const known = new Map<string, Known>();
  try {
    const [head, ...rows] = (text ?? "").split("\n").filter((row) => row !== "");
    const about: unknown = JSON.parse(head ?? "null");
    if (!isMap(about) || about["version"] !== VERSION || about["dir"] !== dir) return known;
    for (const row of rows) {
      const [onDisk, stamp, sha256, secret] = textsOf(JSON.parse(row));
      if (onDisk === undefined || stamp === undefined || !/^[0-9a-f]{64}$/.test(sha256 ?? ""))
        return new Map();
      known.set(onDisk, { stamp, sha256: sha256 ?? "", secret });
    }
    return known;
  } catch {
    return new Map();
  }
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((part): part is string => typeof part === "string")
    : [];
}

async function dropOldest(cache: string): Promise<void> {
  const folder = join(cache, "sites");
  const names = await readdir(folder);
  if (names.length <= KEPT) return;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  );
  for (const { name } of aged.toSorted((a, b) => b.at - a.at).slice(KEPT))
    await rm(join(folder, name), { force: true });
}
