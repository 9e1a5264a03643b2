import { type DeployId, type Digest, parseDigest } from "#base/names.ts";
import { giveWay } from "#base/slices.ts";

import { FILE_END, type LoadQueries, PATH_END } from "./load-queries.ts";

/** A file of a deploy. */
export type ManifestFile = { digest: Digest; sizeBytes: number };

/** The files of a deploy by path, packed: some 100 bytes a file beside its path. */
export type Manifest = {
  readonly count: number;
  /** What it takes in memory, about. */
  readonly weightBytes: number;
  has: (path: string) => boolean;
  find: (path: string) => ManifestFile | undefined | Promise<ManifestFile | undefined>;
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
    if (rows.length === 0) return packed(new Map(), Buffer.alloc(0), 0);
    if (places.size < fileCount) await giveWay();
  }
  return packed(places, facts, weightBytes);
}

const HEX = DIGEST_BYTES * 2;

/** A manifest of few files that stays the text that it came as: a fourth of what a table of them takes. */
export function textManifest(files: string, count: number): Manifest {
  const text = `${FILE_END}${files}${FILE_END}`;
  const placeOf = (path: string): number => {
    // What is asked for may hold anything; a path of a file holds neither.
    if (path.includes(FILE_END) || path.includes(PATH_END)) return -1;
    const at = text.indexOf(`${FILE_END}${path}${PATH_END}`);
    return at === -1 ? -1 : at + path.length + 2;
  };
  return {
    count,
    // Text of one byte a character is kept so.
    weightBytes: /^[\u0000-\u00ff]*$/.test(text) ? text.length : text.length * 2,
    has: (path) => placeOf(path) !== -1,
    find(path) {
      const at = placeOf(path);
      if (at === -1) return undefined;
      return {
        digest: parseDigest(`sha256:${text.slice(at, at + HEX)}`),
        sizeBytes: Number(text.slice(at + HEX, text.indexOf(FILE_END, at))),
      };
    },
  };
}

function packed(places: ReadonlyMap<string, number>, facts: Buffer, weightBytes: number): Manifest {
  return {
    count: places.size,
    weightBytes,
    has: (path) => places.has(path),
    find(path) {
      const place = places.get(path);
      if (place === undefined) return undefined;
      const at = place * FILE_BYTES;
      return {
        digest: parseDigest(`sha256:${facts.toString("hex", at, at + DIGEST_BYTES)}`),
        sizeBytes: facts.readUIntBE(at + DIGEST_BYTES, SIZE_BYTES),
      };
    },
  };
}
