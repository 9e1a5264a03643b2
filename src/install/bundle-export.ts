import { randomBytes } from "node:crypto";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { fail } from "#base/errors.ts";
import { type Digest, parseDigest } from "#base/names.ts";
import { byText } from "#base/order.ts";
import { END_BYTES, padded, tarHeader } from "#pack/tar-write.ts";
import { fileFailed, syncFolder } from "#store/files.ts";

import {
  type BundledIndex,
  type BundledPackage,
  entryName,
  MANIFEST,
  serializeBundle,
} from "./bundle-model.ts";
import { readCachedText } from "./index-cache.ts";
import type { Lock, LockedPackage } from "./lockfile.ts";
import { isWholeArchive } from "./store-check.ts";
import { type StorePlaces, storePlaces } from "./store-places.ts";
import { surveyStore } from "./store-survey.ts";
import { lockStore, readStored, type StoreHome } from "./store.ts";

/** What went into a bundle. */
export type ExportResult = { path: string; packages: number; indexes: number; sizeBytes: number };

/**
 * Writes archives of the store into one file for machines that reach no registry: those that a lock names, with what their
 * registries told of them; without a lock all that the store has. The same content gives the same bytes.
 *
 * @throws not_found naming what the store lacks, checksum_mismatch, lock_busy, file_failed
 */
export async function exportBundle(
  home: StoreHome & { path: string; lock: Lock | undefined },
): Promise<ExportResult> {
  const { path, landHome } = home;
  const places = storePlaces(landHome);
  const held = await lockStore(home, "shared", home.lockTimeoutMs);
  try {
    const packages = home.lock
      ? home.lock.packages.map((locked) => bundleLocked(places, locked))
      : bundleAll(places);
    for (const { name, version, digest } of packages)
      if (!(await isWholeArchive(places, digest)))
        throw fail("store_damaged", { problems: 1 }, { cause: new Error(`${name}@${version}`) });
    const texts = home.lock ? await readIndexes(landHome, home.lock) : [];
    const indexes = texts.map(({ about }) => about);
    const manifest = Buffer.from(serializeBundle({ packages, indexes }));
    const sizeBytes = await writeWhole(path, async (out) => {
      await out.entry(MANIFEST, manifest);
      for (const { digest } of packages)
        await out.entry(entryName("sha256", digest), Bun.file(places.archivePath(digest)));
      for (const { about, bytes } of texts)
        await out.entry(entryName("index", about.digest), bytes);
    });
    return { path, packages: packages.length, indexes: indexes.length, sizeBytes };
  } finally {
    held.release();
  }
}

function bundleLocked(places: StorePlaces, locked: LockedPackage): BundledPackage {
  const { name, version, digest, registry, keys } = locked;
  const { size } = Bun.file(places.archivePath(digest));
  if (size === 0)
    throw fail("not_found", {
      what: `"${name}@${version}" in the store: \`land install\` fetches it`,
    });
  return { name, version, digest, sizeBytes: size, registry, keys };
}

function bundleAll(places: StorePlaces): BundledPackage[] {
  const survey = surveyStore(places);
  return (survey?.packages ?? [])
    .flatMap(({ digest }) => {
      const stored = readStored(places, digest);
      if (!stored) return [];
      const { name, version, packedBytes: sizeBytes } = stored;
      return [{ name, version, digest, sizeBytes }];
    })
    .toSorted((a, b) => byText(a.name, b.name) || byText(a.digest, b.digest));
}

type IndexText = { about: BundledIndex; bytes: Uint8Array };

/** What is kept of the registries; what is not does no harm, since a lock needs none of it. Equal texts go in once. */
async function readIndexes(landHome: string, { packages }: Lock): Promise<IndexText[]> {
  const found = new Map<Digest, IndexText>();
  for (const { registry, name } of packages) {
    const cached = readCachedText({ landHome, registry, name });
    if (!cached) continue;
    const bytes = Buffer.from(cached.text);
    const hex = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    const digest = parseDigest(`sha256:${hex}`);
    found.set(digest, { about: { registry, name, digest, sizeBytes: bytes.length }, bytes });
  }
  return [...found.values()].toSorted((a, b) => byText(a.about.name, b.about.name));
}

type TarOut = { entry: (name: string, content: Uint8Array | Blob) => Promise<void> };

/** Writes a tar in one step: the file is there whole or not at all. Answers its size in bytes. */
async function writeWhole(path: string, write: (out: TarOut) => Promise<void>): Promise<number> {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  let total = 0;
  // Root could put a file in the place of /dev/null.
  const there = await lstat(path).catch(() => undefined);
  if (there && !there.isFile() && !there.isSymbolicLink() && !there.isDirectory())
    throw fileFailed("write", path, "it is a pipe or a device, not a file");
  try {
    const handle = await open(temporary, "wx");
    try {
      const put = async (bytes: Uint8Array): Promise<void> => {
        total += await writeAll(handle, bytes);
      };
      await write({
        async entry(name, content) {
          const sizeBytes = content instanceof Uint8Array ? content.length : content.size;
          await put(tarHeader({ path: name, sizeBytes, executable: false }));
          if (content instanceof Uint8Array) await put(content);
          else for await (const piece of content.stream()) await put(piece);
          await put(new Uint8Array(padded(sizeBytes) - sizeBytes));
        },
      });
      await put(new Uint8Array(END_BYTES));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
    return total;
  } catch (cause) {
    await rm(temporary, { force: true });
    throw fileFailed("write", path, cause);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<number> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
  return bytes.length;
}
