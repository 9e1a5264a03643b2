import { join } from "node:path";

import { brief } from "#base/brief.ts";
import type { Digest } from "#base/names.ts";

import type { StoredFile } from "./stored.ts";

/** Where in `$LAND_HOME/store/v1` what lies. Absolute. */
export type StorePlaces = {
  dir: string;
  /** Packed archives, named by their checksum. */
  archives: string;
  /** Each different file once. */
  files: string;
  /** What belongs to which package. */
  index: string;
  /** What is being made; swept when nobody else has the store open. */
  temporary: string;
  /** Locked shared by who uses the store, exclusively by who takes away from it. */
  lock: string;
  archivePath: (digest: Digest) => string;
  objectPath: (file: Pick<StoredFile, "sha256" | "executable">) => string;
  indexPath: (digest: Digest) => string;
};

/** The layout of the store of a home. Nothing is made. */
export function storePlaces(landHome: string): StorePlaces {
  const dir = join(landHome, "store", "v1");
  const [archives, files, index] = [join(dir, "sha256"), join(dir, "files"), join(dir, "index")];
  const places: StorePlaces = {
    dir,
    archives,
    files,
    index,
    temporary: join(dir, "tmp"),
    lock: join(dir, ".lock"),
    archivePath: (digest) => shard(archives, hexOf(digest), ""),
    objectPath: ({ sha256, executable }) => shard(files, sha256, executable ? "x" : ""),
    indexPath: (digest) => shard(index, hexOf(digest), ".json"),
  };
  brief(places.objectPath);
  return places;
}

/** The hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** Where the object lies whose file is called so. */
export function pathOfObject({ files }: StorePlaces, name: string): string {
  return shard(files, name, "");
}

function shard(dir: string, hex: string, ending: string): string {
  return `${dir}/${hex.slice(0, 2)}/${hex}${ending}`;
}

brief(shard);
