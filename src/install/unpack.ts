import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

import { brief } from "#base/brief.ts";
import { fail, LandError } from "#base/errors.ts";
import type { Digest, PackageName, Version } from "#base/names.ts";
import { isManifestFile, MAX_MANIFEST_BYTES, readArchiveManifest } from "#pack/archive-manifest.ts";
import { emptyMap } from "#pack/json.ts";
import { type ArchiveLimits, DEFAULT_LIMITS } from "#pack/limits.ts";
import type { PublishableManifest } from "#pack/manifest.ts";
import {
  type ArchiveFile,
  type ArchiveSummary,
  type ArchiveVisitor,
  walkArchive,
  walkWhole,
} from "#pack/read.ts";

import { type Bins, RUN_BY_LAND, type StoredFile, type StoredPackage } from "./stored.ts";

/** The bytes of a file: in memory, or in a file of a temporary folder on the disk of the store. */
export type Content = { bytes: Uint8Array } | { path: string };

/** A package of which every rule of archives was checked. Nothing of it is in the store yet. */
export type Unpacked = {
  stored: StoredPackage;
  /** The content of each file, in the order of `stored.files`. */
  contents: Content[];
};

/** Which package an archive must be; any, where it is to be learned from the archive. */
export type Expected = { name?: PackageName; version?: Version; digest: Digest };

/**
 * Unpacks an archive in memory, in one go, and gives what `use` made of it: the contents are good until it returns. Undefined where
 * it is too large for that. It must be the package that was expected.
 *
 * @throws package_refused naming the package and the entry, and what `use` throws
 */
export function unpackWhole<T>(
  archive: Uint8Array,
  expected: Expected,
  use: (unpacked: Unpacked) => T,
): { made: T } | undefined {
  const taken = newTaken();
  try {
    return walkWhole(archive, limitsOf(archive.length), {
      visit: (entry, bytes) => take(taken, entry, { bytes }, look(bytes, entry.path)),
      end: ({ packedBytes }) => use(packageOf(taken, packedBytes, expected)),
    });
  } catch (error) {
    throw refused(error, expected);
  }
}

/**
 * Unpacks an archive of any size. Its files go into a folder made by `makeFolder` and are named by number there, so that no name of
 * the archive touches the disk. It must be the package that was expected.
 *
 * @throws package_refused naming the package and the entry
 */
export async function unpackArchive(
  archive: Content,
  makeFolder: () => Promise<string>,
  expected: Expected,
): Promise<Unpacked> {
  const taken = newTaken();
  let folder: string | undefined;
  const visit: ArchiveVisitor = async (entry, content) => {
    folder ??= await makeFolder();
    const path = join(folder, String(taken.files.length));
    take(taken, entry, { path }, await spill(content, path, entry.path));
  };
  try {
    const { packedBytes } = await walk(archive, visit);
    return packageOf(taken, packedBytes, expected);
  } catch (error) {
    throw refused(error, expected);
  }
}

function walk(archive: Content, visit: ArchiveVisitor): Promise<ArchiveSummary> {
  if ("bytes" in archive)
    return walkArchive(inOnePiece(archive.bytes), limitsOf(archive.bytes.length), visit);
  const file = Bun.file(archive.path);
  return walkArchive(file.stream(), limitsOf(file.size), visit);
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** What was taken of an archive so far. */
type Taken = {
  files: StoredFile[];
  contents: Content[];
  texts: Map<string, Uint8Array>;
  scripts: Set<string>;
};

function newTaken(): Taken {
  return { files: [], contents: [], texts: new Map(), scripts: new Set() };
}

function take(
  { files, contents, texts, scripts }: Taken,
  { path, sizeBytes, executable }: ArchiveFile,
  content: Content,
  { sha256, script, kept }: Seen,
): void {
  if (kept) texts.set(path, kept);
  if (script) scripts.add(path);
  files.push({ path, sizeBytes, executable, sha256 });
  contents.push(content);
}

function packageOf(
  { files, contents, texts, scripts }: Taken,
  packedBytes: number,
  expected: Expected,
): Unpacked {
  const manifest = readManifest(texts, expected);
  const bin = readBins(manifest, files, scripts);
  const { name, version } = manifest;
  const about = { name, version, digest: expected.digest, packedBytes };
  return { stored: { ...about, files: asExecutable(files, bin), bin }, contents };
}

function limitsOf(sizeBytes: number): ArchiveLimits {
  return { ...DEFAULT_LIMITS, sizeBytes };
}

/** What is to be known of a file besides its content. */
type Seen = { sha256: string; script: boolean; kept: Uint8Array | undefined };

function look(bytes: Uint8Array, name: string): Seen {
  return {
    sha256: Bun.SHA256.hash(bytes, "hex"),
    script: bytes[0] === HASH && bytes[1] === BANG,
    kept: isManifestFile(name) ? bytes.subarray(0, MAX_MANIFEST_BYTES) : undefined,
  };
}

const HASH = 0x23;
const BANG = 0x21;

/** An error about an archive as one that names the package it is of. */
function refused(error: unknown, { name = "an unknown package", version = "?" }: LooseNames) {
  if (!(error instanceof LandError) || error.code === "package_refused") return error;
  const problem = error.message.replace(/^Cannot accept the archive: /, "its archive is bad: ");
  return /^(?:archive|manifest|name)_/.test(error.code)
    ? fail("package_refused", { name, version, problem }, { cause: error })
    : error;
}

type LooseNames = { name?: string; version?: string };

async function spill(
  content: AsyncIterable<Uint8Array>,
  target: string,
  name: string,
): Promise<Seen> {
  const hasher = new Bun.CryptoHasher("sha256");
  const isManifest = isManifestFile(name);
  const kept: Uint8Array[] = [];
  let keptBytes = 0;
  let head = "";
  const descriptor = openSync(target, "wx", 0o600);
  try {
    for await (const chunk of content) {
      hasher.update(chunk);
      writeAll(descriptor, chunk);
      if (head.length < 2) head += Buffer.from(chunk.subarray(0, 2)).toString("latin1");
      if (!isManifest || keptBytes > MAX_MANIFEST_BYTES) continue;
      kept.push(chunk.slice());
      keptBytes += chunk.length;
    }
  } finally {
    closeSync(descriptor);
  }
  return {
    sha256: hasher.digest("hex"),
    script: head.startsWith("#!"),
    kept: isManifest ? Buffer.concat(kept) : undefined,
  };
}

/** A disk that fills up may take only a part. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}

function readManifest(texts: Map<string, Uint8Array>, expected: Expected): PublishableManifest {
  const manifest = readArchiveManifest(texts);
  const { name = manifest.name, version = manifest.version } = expected;
  if (manifest.name === name && manifest.version === version) return manifest;
  const problem = `its archive calls itself "${manifest.name}@${manifest.version}"`;
  throw fail("package_refused", { name, version, problem });
}

/** The commands whose file is there. What a command names but the archive lacks cannot be run, and is left out. */
export function readBins(
  manifest: PublishableManifest,
  files: StoredFile[],
  scripts: ReadonlySet<string>,
): Bins {
  const present = new Set(files.map(({ path }) => path));
  const bins: Bins = emptyMap();
  for (const [command, path] of Object.entries(manifest.bin))
    if (present.has(path)) {
      const runner = RUN_BY_LAND.test(path) && !scripts.has(path) ? "land" : "own";
      bins[command] = { path, runner };
    }
  return bins;
}

/** A command is executable whatever its archive says. */
function asExecutable(files: StoredFile[], bins: Bins): StoredFile[] {
  const commands = new Set(Object.values(bins).map(({ path }) => path));
  if (commands.size === 0) return files;
  return files.map((file) => (commands.has(file.path) ? { ...file, executable: true } : file));
}

brief(take, look);
