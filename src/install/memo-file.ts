import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parsePackageName } from "#base/names.ts";
import { isMap } from "#pack/json.ts";
import { parseRegistryUrl, type RegistryUrl } from "#remote/registry-url.ts";
import { randomHex } from "#store/files.ts";

import { indexFolder } from "./index-cache.ts";

/** What registries told of packages, by registry and name: the ETag of an index, null where there is no package of that name. */
export type Asked = ReadonlyMap<RegistryUrl, ReadonlyMap<string, string | null>>;

/** What was picked once, and what that rested on. */
export type Memo = {
  /** The text of the lock. Nothing of it was checked. */
  lock: string;
  /** What was said of versions that were picked, one sentence each. Not made safe for a terminal. */
  warnings: string[];
  asked: Asked;
  /** Milliseconds since 1970 at which nothing of it had been asked for yet. */
  toldAt: number;
  /** Seconds from then for which all the registries let it be believed. */
  maxAgeSeconds: number;
};

/** Those lie among the cached indexes, and are pruned with them: no registry has such a folder. */
function folderOf(landHome: string): string {
  return join(indexFolder(landHome), "resolved");
}

/** A memo that is there for a question; undefined where there is none, it is of another one, or it is not whole. */
export function readMemo(landHome: string, key: string): Memo | undefined {
  try {
    const text = readFileSync(join(folderOf(landHome), key), "utf8");
    const end = text.indexOf("\n");
    const body = text.slice(end + 1);
    return text.slice(0, end) === hashOf(`${key}\n${body}`) ? parseMemo(body) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a memo where that is possible. Written beside and renamed, without waiting for the disk: what was cut is seen. */
export function writeMemo(landHome: string, key: string, memo: Memo): void {
  const asked = [...memo.asked].map(([registry, names]) => [registry, [...names]]);
  const body = JSON.stringify({ ...memo, asked });
  const path = join(folderOf(landHome), key);
  const temporary = `${path}.${randomHex()}.tmp`;
  try {
    mkdirSync(folderOf(landHome), { recursive: true });
    writeFileSync(temporary, `${hashOf(`${key}\n${body}`)}\n${body}`);
    renameSync(temporary, path);
  } catch {
    // It only saves time.
    rmSync(temporary, { force: true });
  }
}

/** A name for a question: 64 characters that are the same for the same text alone. */
export function hashOf(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

/** Throws where it has another form. */
function parseMemo(body: string): Memo | undefined {
  const value: unknown = JSON.parse(body);
  if (!isMap(value)) return undefined;
  const { lock, warnings, asked, toldAt, maxAgeSeconds } = value;
  if (typeof lock !== "string" || !Array.isArray(warnings)) return undefined;
  if (typeof toldAt !== "number" || typeof maxAgeSeconds !== "number") return undefined;
  return { lock, warnings: warnings.map(String), asked: parseAsked(asked), toldAt, maxAgeSeconds };
}

/** Throws where it has another form. */
function parseAsked(list: unknown): Asked {
  return new Map(
    pairsOf(list).map(([registry, names]) => [parseRegistryUrl(registry), parseNames(names)]),
  );
}

function parseNames(list: unknown): Map<string, string | null> {
  return new Map(
    pairsOf(list).map(([name, etag]) => [
      parsePackageName(name),
      typeof etag === "string" ? etag : null,
    ]),
  );
}

function pairsOf(list: unknown): [unknown, unknown][] {
  if (!Array.isArray(list)) throw new TypeError("not a list");
  return list.map((pair: unknown) => {
    if (!Array.isArray(pair)) throw new TypeError("not a pair");
    return [pair[0], pair[1]];
  });
}
