import { type DeployId, type Digest, parseDigest } from "#base/names.ts";
import { giveWay } from "#base/slices.ts";

import { FILE_END, type LoadQueries, PATH_END } from "./load-queries.ts";

/** A file of a deploy. */
export type ManifestFile = { digest: Digest; sizeBytes: number };

/**
 * The files of a deploy by path. Plain data, since ten thousand sites are in memory at once: of few files the text that it came as
 * (see `textManifest`), else packed, some 100 bytes a file beside its path.
 */
export type Manifest = string | PackedManifest | LiveManifest;

type PackedManifest = {
  readonly places: ReadonlyMap<string, number>;
  readonly facts: Buffer;
  readonly weightBytes: number;
};

const DIGEST_BYTES = 32;
const SIZE_BYTES = 6;
const FILE_BYTES = DIGEST_BYTES + SIZE_BYTES;
/** Rows read at once, between which others get their turn. */
const PAGE = 2000;

/** Reads the manifest of a deploy that is ready; it never changes. */
export async function loadManifest(
  { files }: Pick<LoadQueries, "files">,
  deploy: DeployId,
  fileCount: number,
): Promise<Manifest> {
  const places = new Map<string, number>();
  const facts = Buffer.alloc(fileCount * FILE_BYTES);
  let weightBytes = 0;
  let after = "";
  while (places.size < fileCount) {
    const limit = Math.min(PAGE, fileCount - places.size);
    const rows = await files.execute({ deploy, after, limit });
    for (const { path, digest, sizeBytes } of rows) {
      const place = places.size;
      places.set(path, place);
      facts.write(digest.slice("sha256:".length), place * FILE_BYTES, "hex");
      facts.writeUIntBE(sizeBytes, place * FILE_BYTES + DIGEST_BYTES, SIZE_BYTES);
      weightBytes += 150 + path.length * 2;
      after = path;
    }
    // Fewer than it counts: retention took the deploy meanwhile. What is left of it is not served.
    if (rows.length === 0) return { places: new Map(), facts: Buffer.alloc(0), weightBytes: 0 };
    if (places.size < fileCount) await giveWay();
  }
  return { places, facts, weightBytes };
}

const HEX = DIGEST_BYTES * 2;

/** The files of a folder that nobody deployed: what is found is read at that moment. */
export type LiveManifest = {
  has: (path: string) => boolean;
  find: (path: string) => Promise<ManifestFile | undefined>;
};

/** A manifest of few files, as the query of a site answers them: a fourth of what a table of them takes. */
export function textManifest(files: string): Manifest {
  return `${FILE_END}${files}${FILE_END}`;
}

/** What a manifest takes in memory, about. */
export function weightOfManifest(manifest: Manifest): number {
  if (typeof manifest !== "string") return "places" in manifest ? manifest.weightBytes : 0;
  // Text of one byte a character is kept so.
  return /^[\u0000-\u00ff]*$/.test(manifest) ? manifest.length : manifest.length * 2;
}

/** Whether a file of that path is there. */
export function hasFile(manifest: Manifest, path: string): boolean {
  if (typeof manifest === "string") return placeIn(manifest, path) !== -1;
  return "places" in manifest ? manifest.places.has(path) : manifest.has(path);
}

/** The file of that path; only of a folder that lives it takes time. */
export function findFile(
  manifest: Manifest,
  path: string,
): ManifestFile | undefined | Promise<ManifestFile | undefined> {
  if (typeof manifest !== "string")
    return "places" in manifest ? findPacked(manifest, path) : manifest.find(path);
  const at = placeIn(manifest, path);
  if (at === -1) return undefined;
  return {
    digest: parseDigest(`sha256:${manifest.slice(at, at + HEX)}`),
    sizeBytes: Number(manifest.slice(at + HEX, manifest.indexOf(FILE_END, at))),
  };
}

/** Where the facts of a file begin in the text, or -1. */
function placeIn(text: string, path: string): number {
  // What is asked for may hold anything; a path of a file holds neither.
  if (path.includes(FILE_END) || path.includes(PATH_END)) return -1;
  const at = text.indexOf(`${FILE_END}${path}${PATH_END}`);
  return at === -1 ? -1 : at + path.length + 2;
}

function findPacked({ places, facts }: PackedManifest, path: string): ManifestFile | undefined {
  const place = places.get(path);
  if (place === undefined) return undefined;
  const at = place * FILE_BYTES;
  return {
    digest: parseDigest(`sha256:${facts.toString("hex", at, at + DIGEST_BYTES)}`),
    sizeBytes: facts.readUIntBE(at + DIGEST_BYTES, SIZE_BYTES),
  };
}
