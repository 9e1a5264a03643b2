import { statSync } from "node:fs";

import { fail, LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { type ByteReader, createByteReader } from "#pack/byte-reader.ts";
import { readEntry, type TarEntry } from "#pack/tar-entries.ts";
import { padded } from "#pack/tar-write.ts";
import { parseIndex } from "#remote/index-lines.ts";
import { fileFailed } from "#store/files.ts";

import {
  type BundledIndex,
  type BundledPackage,
  type BundleManifest,
  entryName,
  MANIFEST,
  MAX_MANIFEST_BYTES,
  parseBundle,
} from "./bundle-model.ts";
import { readCachedText, writeCachedIndex } from "./index-cache.ts";
import { createReceiver, type Receiver } from "./receive.ts";
import { openStore, type Store, type StoreHome } from "./store.ts";

/** What came out of a bundle. */
export type ImportResult = {
  /** Packages that the store did not have. */
  added: { name: string; version: string; digest: string }[];
  /** How many it had. */
  present: number;
  /** Packages of which it was not known here what their registry tells. */
  indexes: number;
};

/** What asked a registry never carries; it makes the next request bring the whole index. */
const NO_ETAG = "imported";

/**
 * Takes the packages of a bundle into the store, so that an install of what it was made from needs no registry. The whole
 * file is read and all checksums are compared before anything of it is taken; what this machine knows from a registry
 * itself stays as it is.
 *
 * @throws store_bundle_invalid, package_refused, lock_busy, file_failed
 */
export async function importBundle(home: StoreHome & { path: string }): Promise<ImportResult> {
  const { path, landHome } = home;
  await readBundle(path, {
    archive: async (_about, content) => drain(content),
    index: async () => undefined,
  });
  const store = await openStore(home);
  const result: ImportResult = { added: [], present: 0, indexes: 0 };
  try {
    await readBundle(path, {
      async archive(about, content) {
        if (await store.find(about.digest)) {
          result.present += 1;
          return drain(content);
        }
        await addFrom(store, about, content);
        const { name, version, digest } = about;
        result.added.push({ name, version, digest });
      },
      async index({ registry, name }, text) {
        const place = { landHome, registry, name };
        if (readCachedText(place)) return;
        writeCachedIndex(place, NO_ETAG, text);
        result.indexes += 1;
      },
    });
  } finally {
    store.close();
  }
  return result;
}

async function addFrom(
  store: Store,
  about: BundledPackage,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const receiver: Receiver = createReceiver(store);
  try {
    for await (const piece of content) await receiver.take(piece);
    const { name, version, digest } = about;
    await store.add((await receiver.finish()).archive, { name, version, digest });
  } finally {
    await receiver.close();
  }
}

async function drain(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of content);
}

type Visitor = {
  /** The content ends well only where it has the checksum that was told. */
  archive: (about: BundledPackage, content: AsyncIterable<Uint8Array>) => Promise<void>;
  index: (about: BundledIndex, text: string) => Promise<void>;
};

/** Reads a bundle to its end: the manifest, then what it names, in its order, and nothing else. @throws store_bundle_invalid */
async function readBundle(path: string, visitor: Visitor): Promise<void> {
  const refuse = (problem: string): LandError => fail("store_bundle_invalid", { path, problem });
  requireFile(path);
  const source = Bun.file(path).stream()[Symbol.asyncIterator]();
  try {
    const reader = createByteReader(source);
    const manifest = await readManifest(reader, refuse);
    for (const about of manifest.packages) {
      await expectEntry(reader, entryName("sha256", about.digest), about.sizeBytes, refuse);
      const content = contentOf(reader, about, refuse);
      await visitor.archive(about, content);
    }
    for (const about of manifest.indexes) {
      await expectEntry(reader, entryName("index", about.digest), about.sizeBytes, refuse);
      const text = await textOf(contentOf(reader, about, refuse));
      parseIndex(about.name, text, about.registry);
      await visitor.index(about, text);
    }
    const more = await readEntry(reader);
    if (more) throw refuse(`"${more.name}" is not named in its manifest`);
  } catch (error) {
    if (!(error instanceof LandError)) throw fileFailed("read", path, error);
    if (/^(?:archive_|bad_answer|signature_)/.test(error.code))
      throw refuse(printable(error.message.replace(/^Cannot accept the archive: /, "")));
    throw error;
  } finally {
    await source.return?.();
  }
}

function requireFile(path: string): void {
  try {
    if (statSync(path).isFile()) return;
  } catch (cause) {
    throw fileFailed("read", path, cause);
  }
  throw fail("store_bundle_invalid", { path, problem: "it is no file" });
}

type Refuse = (problem: string) => LandError;

async function readManifest(reader: ByteReader, refuse: Refuse): Promise<BundleManifest> {
  const entry = await readEntry(reader);
  if (entry?.kind !== "file" || entry.name !== MANIFEST)
    throw refuse(`it does not begin with ${MANIFEST}, so it is no bundle of land`);
  if (entry.sizeBytes > MAX_MANIFEST_BYTES)
    throw refuse(`its manifest has more than ${MAX_MANIFEST_BYTES} bytes`);
  const bytes = await reader.take(padded(entry.sizeBytes));
  if (bytes.length < padded(entry.sizeBytes)) throw refuse("it is truncated");
  const text = new TextDecoder().decode(bytes.subarray(0, entry.sizeBytes));
  const manifest = parseBundle(text);
  if ("problem" in manifest) throw refuse(manifest.problem);
  return manifest;
}

async function expectEntry(
  reader: ByteReader,
  name: string,
  sizeBytes: number,
  refuse: Refuse,
): Promise<void> {
  const entry: TarEntry | undefined = await readEntry(reader);
  if (entry?.name === name && entry.kind === "file" && entry.sizeBytes === sizeBytes) return;
  throw refuse(
    entry?.name === name
      ? `"${name}" is not what its manifest says`
      : `"${name}" is missing, where ${entry ? `"${printable(entry.name)}"` : "the end"} stands`,
  );
}

/** The bytes of an entry. Fails at their end where they have another checksum. */
async function* contentOf(
  reader: ByteReader,
  { digest, sizeBytes }: { digest: string; sizeBytes: number },
  refuse: Refuse,
): AsyncGenerator<Uint8Array> {
  const hasher = new Bun.CryptoHasher("sha256");
  for (let left = sizeBytes; left > 0;) {
    const piece = await reader.some(left);
    if (piece.length === 0) throw refuse("it is truncated");
    left -= piece.length;
    hasher.update(piece);
    yield piece;
  }
  const padding = padded(sizeBytes) - sizeBytes;
  if ((await reader.take(padding)).length < padding) throw refuse("it is truncated");
  if (`sha256:${hasher.digest("hex")}` !== digest)
    throw refuse(`the content of "${digest}" has another checksum`);
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece.slice());
  return Buffer.concat(pieces).toString("utf8");
}
