import type { Actor } from "#accounts/actor.ts";
import { mayRead } from "#accounts/guard.ts";
import { isVersion, parsePackageName } from "#base/names.ts";
import { compareVersions, isRange, parseRange, satisfies } from "#base/ranges.ts";
import { giveWay } from "#base/slices.ts";
import type { Ctx } from "#store/ctx.ts";

import { type Documents, findDocuments, type ServedVersion } from "./documents.ts";
import { plainIndex } from "./index.ts";
import type { IndexesBody } from "./model.ts";

/** So long a client may go by an answer without asking again, where its user lets it: as long as what is new may take to be seen. */
export const INDEX_SECONDS = 60;
/** Packages that one answer tells of. Whoever needs more asks for the rest. */
const MAX_PACKAGES = 5000;
/** Pairs of a package and a range that are followed. */
const MAX_FOLLOWED = 20_000;
/** Short lines are sent together, until they are so much. */
const PIECE_BYTES = 65_536;
/** Pairs after which others have their turn, whether or not they brought a line. */
const SLICE = 20;

/**
 * The indexes of many packages as NDJSON: for each a line `{"package","etag"}`, `{"package","unchanged":true}` where the
 * caller's ETag holds, or `{"package","absent":true}`, then the lines of its index where it is new. With `follow` also those
 * that the newest versions within the ranges need, and so on. An ETag is that of the plain index of the package.
 */
export async function* readIndexes(
  ctx: Ctx,
  actor: Actor | undefined,
  { packages, follow = false }: IndexesBody,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const isReader = mayRead(ctx, actor);
  const told = new Set<string>();
  const followed = new Set<string>();
  const pieces: Uint8Array[] = [];
  const open = Object.entries(packages).map(([name, { range = "*" }]) => ({ name, range }));
  for (const { name, range } of open) {
    const pair = `${name} ${range}`;
    if (followed.has(pair)) continue;
    followed.add(pair);
    if (followed.size % SLICE === 0) {
      if (pieces.length > 0) yield joined(pieces.splice(0));
      await giveWay();
    }
    if (!told.has(name) && told.size >= MAX_PACKAGES) continue;
    const found = isReader ? await findPackage(ctx, name) : undefined;
    if (!told.has(name)) {
      told.add(name);
      pieces.push(...linesOf(name, found, packages[name]?.etag));
      if (sizeOf(pieces) >= PIECE_BYTES) yield joined(pieces.splice(0));
    }
    const best = follow && found ? newestIn(found, range) : undefined;
    if (!best || followed.size > MAX_FOLLOWED) continue;
    const needs = { ...best.dependencies, ...best.optionalDependencies };
    for (const [to, wanted] of Object.entries(needs)) open.push({ name: to, range: wanted });
  }
  if (pieces.length > 0) yield joined(pieces);
}

async function findPackage(ctx: Ctx, name: string): Promise<Documents | undefined> {
  try {
    return (await findDocuments(ctx, parsePackageName(name)))?.documents;
  } catch {
    // No name that a package can have.
    return undefined;
  }
}

function linesOf(
  name: string,
  documents: Documents | undefined,
  known: string | undefined,
): Uint8Array[] {
  const line = (value: object): Uint8Array =>
    encoder.encode(`${JSON.stringify({ package: name, ...value })}\n`);
  if (!documents) return [line({ absent: true })];
  const { bytes, etag } = plainIndex(documents);
  return known === etag ? [line({ unchanged: true })] : [line({ etag }), bytes];
}

const encoder = new TextEncoder();

function sizeOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(sizeOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}

/** What a client would most likely pick: the highest version in the range that is not yanked, a stable one if there is any. */
function newestIn({ oldestFirst }: Documents, text: string): ServedVersion | undefined {
  if (!isRange(text)) return undefined;
  const range = parseRange(text);
  let best: ServedVersion | undefined;
  for (const version of oldestFirst) {
    if (version.yanked || !isVersion(version.version) || !satisfies(version.version, range))
      continue;
    if (!best || compareVersions(version.version, best.version) > 0) best = version;
  }
  return best;
}
