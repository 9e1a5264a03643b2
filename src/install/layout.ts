import type { StorePlaces } from "./store-places.ts";
import type { Bins, StoredPackage } from "./stored.ts";

/**
 * Which files of the store go where, for many packages, as bytes that the system takes as they are: who lays by it makes no text. It
 * holds as long as it may be kept, since a package of a checksum is always made of the same files.
 */
export type Layout = {
  /** In shared memory: table, names of objects, paths. */
  bytes: Uint8Array<SharedArrayBuffer>;
  sizes: LayoutSizes;
  /** The commands of the packages, in their order. */
  packages: readonly { bin: Bins }[];
};

/** Of each part in bytes; they follow each other. */
export type LayoutSizes = { table: number; objects: number; paths: number };

/**
 * The table: numbers of 32 bits. First as many of these as there are packages, those with the most files first; each begins with the
 * place of the package in the order, where its folders begin in the table, and how many folders and files it has; then the moment
 * it was checked, in milliseconds since 1970, in two. After them the folders of each package, each where its path begins; and its
 * files: where the name of the object begins, where the path begins, and the size in two.
 */
export const PACKAGE_WORDS = 6;
/** See `PACKAGE_WORDS`. */
export const FILE_WORDS = 4;

/** The parts of one that is made, in that order. */
export type LayoutParts = { table: Uint8Array; objects: Uint8Array; paths: Uint8Array };

/**
 * Makes one of what the store holds, of which all was as it should be at `seenAt`, in milliseconds since 1970. Undefined where there is a
 * path that only looks as if it led elsewhere.
 */
export function makeLayout(
  { files: dir, objectPath }: Pick<StorePlaces, "files" | "objectPath">,
  packages: readonly StoredPackage[],
  seenAt: number,
): LayoutParts | undefined {
  const objects = createTexts();
  const paths = createTexts();
  const heads: number[] = [];
  const rest: number[] = [];
  const order = [...packages.entries()].toSorted(([, a], [, b]) => b.files.length - a.files.length);
  for (const [at, { files, checkedAt = 0 }] of order) {
    const folders = foldersOf(files);
    const begin = packages.length * PACKAGE_WORDS + rest.length;
    heads.push(at, begin, folders.length, files.length, ...split(Math.max(seenAt, checkedAt)));
    for (const folder of folders) rest.push(paths.add(folder === "" ? `${at}` : `${at}/${folder}`));
    for (const file of files) {
      const object = objects.add(objectPath(file).slice(dir.length + 1));
      rest.push(object, paths.add(`${at}/${file.path}`), ...split(file.sizeBytes));
    }
  }
  const parts = {
    table: new Uint8Array(new Uint32Array([...heads, ...rest]).buffer),
    objects: objects.bytes(),
    paths: paths.bytes(),
  };
  return isInside(parts.objects) && isInside(parts.paths) ? parts : undefined;
}

/** Whether no path in it leads out of its folder, wherever in these bytes it may begin; if it does not begin with "/". */
export function isInside(bytes: Uint8Array): boolean {
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return found.at(-1) === 0 && !found.includes("../") && !found.includes("..\0");
}

/** All folders of a package, those above first. */
function foldersOf(files: StoredPackage["files"]): string[] {
  const folders = new Set([""]);
  for (const { path } of files)
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1))
      folders.add(path.slice(0, end));
  return [...folders];
}

/** Texts one after another, each with a zero behind it as C has them. */
function createTexts(): { add: (text: string) => number; bytes: () => Uint8Array } {
  const texts: string[] = [];
  let size = 0;
  return {
    add(text) {
      const begin = size;
      texts.push(text);
      size += Buffer.byteLength(text) + 1;
      return begin;
    },
    bytes: () => Buffer.from(`${texts.join("\0")}\0`),
  };
}

function split(number: number): [low: number, high: number] {
  return [number % WIDE, Math.floor(number / WIDE)];
}

const WIDE = 2 ** 32;
