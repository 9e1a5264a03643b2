import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";

import { isMap } from "#pack/json.ts";
import { randomHex } from "#store/files.ts";

import { isInside, type Layout, type LayoutSizes, makeLayout, PACKAGE_WORDS } from "./layout.ts";
import { storePlaces } from "./store-places.ts";
import { type Bins, parseBins, type StoredPackage } from "./stored.ts";

/** The clock of files may be behind by so much. */
const TICK_MS = 1000;
/** At the end of the file: how long the head before it is, and a checksum of all before that, in bytes. */
const END_BYTES = 12;

/** A layout that was kept, and the name of its file. */
export type KeptLayout = Layout & { key: string };

/** The layout in a file; undefined where there is none, or it is not whole. Whether it is still of use is another question. */
export function readLayout(path: string): KeptLayout | undefined {
  try {
    const bytes = readShared(path);
    const head = bytes && headOf(bytes);
    if (!head) return undefined;
    const { key, count } = head;
    const sizes = sizesOf(head, bytes.length);
    const packages = binsOf(head["bins"], count);
    if (typeof key !== "string" || !packages || !sizes || !isSound(bytes, sizes)) return undefined;
    const isWhole = sizes.table >= packages.length * PACKAGE_WORDS * 4;
    return isWhole ? { key, bytes, sizes, packages } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps one of what the store holds, all of which was as it should be after `seenAt`, by the clock of files. It only saves time: nothing is thrown. */
export function writeLayout(
  path: string,
  {
    landHome,
    stored,
    seenAt,
  }: { landHome: string; stored: readonly StoredPackage[]; seenAt: number },
): void {
  const temporary = `${path}.${randomHex()}.tmp`;
  try {
    const parts = makeLayout(storePlaces(landHome), stored, seenAt - TICK_MS);
    if (!parts) return;
    const { table, objects, paths } = parts;
    const sizes = { table: table.length, objects: objects.length, paths: paths.length };
    const bins = [...stored.entries()].filter(([, { bin }]) => Object.keys(bin).length > 0);
    const head = {
      key: basename(path),
      count: stored.length,
      sizes,
      bins: bins.map(([at, { bin }]) => [at, bin]),
    };
    const text = Buffer.from(JSON.stringify(head));
    const all = Buffer.concat([table, objects, paths, text, Buffer.alloc(END_BYTES)]);
    const end = all.length - END_BYTES;
    all.writeUInt32LE(text.length, end);
    all.writeBigUInt64LE(Bun.hash(all.subarray(0, end + 4)), end + 4);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, all);
    renameSync(temporary, path);
  } catch {
    rmSync(temporary, { force: true });
  }
}

/** Has `alias`, in the same folder, lead to it. It only saves time. */
export function aliasLayout(path: string, alias: string): void {
  try {
    rmSync(alias, { force: true });
    symlinkSync(basename(path), alias);
  } catch {
    // A home that may only be read.
  }
}

/** All of a file, in memory that threads share. */
function readShared(path: string): Uint8Array<SharedArrayBuffer> | undefined {
  const descriptor = openSync(path, "r");
  try {
    const { size } = fstatSync(descriptor);
    if (size < END_BYTES) return undefined;
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
    return readSync(descriptor, bytes, 0, size, 0) === size ? bytes : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Throws where it has another form. */
function headOf(bytes: Uint8Array<SharedArrayBuffer>): Record<string, unknown> | undefined {
  const all = Buffer.from(bytes.buffer);
  const end = all.length - END_BYTES;
  if (all.readBigUInt64LE(end + 4) !== Bun.hash(all.subarray(0, end + 4))) return undefined;
  const head: unknown = JSON.parse(all.toString("utf8", end - all.readUInt32LE(end), end));
  return isMap(head) ? head : undefined;
}

function sizesOf({ sizes }: Record<string, unknown>, size: number): LayoutSizes | undefined {
  if (!isMap(sizes)) return undefined;
  const { table, objects, paths } = sizes;
  if (!isCount(table) || !isCount(objects) || !isCount(paths)) return undefined;
  return table % 4 === 0 && table + objects + paths < size ? { table, objects, paths } : undefined;
}

/** Whether nothing in it leads out of the folder that it is laid from, or into. */
function isSound(bytes: Uint8Array, { table, objects, paths }: LayoutSizes): boolean {
  const between = table + objects;
  const [from, to] = [bytes.subarray(table, between), bytes.subarray(between, between + paths)];
  return isInside(from) && isInside(to);
}

function binsOf(list: unknown, count: unknown): { bin: Bins }[] | undefined {
  if (!Array.isArray(list) || !isCount(count) || count > MAX_PACKAGES) return undefined;
  const packages = Array.from({ length: count }, () => ({ bin: NO_BINS }));
  for (const item of list) {
    const [at, value]: unknown[] = Array.isArray(item) ? item : [];
    const bin = parseBins(value);
    if (!isCount(at) || !packages[at] || !bin) return undefined;
    packages[at] = { bin };
  }
  return packages;
}

const NO_BINS: Bins = {};
const MAX_PACKAGES = 1_000_000;

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
