import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { letGo } from "#base/let-go.ts";
import type { Digest, PackageName, Version } from "#base/names.ts";
import { isManifestFile, MAX_MANIFEST_BYTES, readArchiveManifest } from "#pack/archive-manifest.ts";
import { emptyMap } from "#pack/json.ts";
import { type ArchiveLimits, DEFAULT_LIMITS } from "#pack/limits.ts";
import type { PublishableManifest } from "#pack/manifest.ts";
import {
  type ArchiveFile,
  type ArchiveSummary,
  type ArchiveVisitor,
  isReadWhole,
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
  /** Gives the memory of the contents back, which are gone then. Left to itself, the runtime keeps those of all packages until the end. */
  release: () => void;
};

/** Which package an archive must be; any, where it is to be learned from the archive. */
export type Expected = { name?: PackageName; version?: Version; digest: Digest };

/**
 * Unpacks an archive. A small one is unpacked in memory; the files of a large one go into a folder made by `makeFolder` and
 * are named by number there, so that no name of the archive touches the disk. It must be the package that was expected.
 *
 * @throws package_refused naming the package and the entry
 */
export async function unpackArchive(
  archive: Content,
  makeFolder: () => Promise<string>,
  expected: Expected,
): Promise<Unpacked> {
  const texts = new Map<string, Uint8Array>();
  const scripts = new Set<string>();
  const files: StoredFile[] = [];
  const contents: Content[] = [];
  let folder: string | undefined;
  const inMemory = isInMemory(archive);
  const note = (entry: ArchiveFile, content: Content, seen: Seen): void => {
    if (seen.kept) texts.set(entry.path, seen.kept);
    if (seen.script) scripts.add(entry.path);
    files.push({ ...entry, sha256: seen.sha256 });
    contents.push(content);
  };
  const take: ArchiveVisitor = (entry, content) => {
    const bytes = inMemory ? content.whole : undefined;
    if (bytes) return note(entry, { bytes }, look(bytes, entry.path));
    return (async () => {
      folder ??= await makeFolder();
      const path = join(folder, String(files.length));
      note(entry, { path }, await spill(content, path, entry.path));
    })();
  };
  try {
    const { packedBytes } = await walk(archive, take);
    const manifest = readManifest(texts, expected);
    const bin = readBins(manifest, files, scripts);
    const { name, version } = manifest;
    const { digest } = expected;
    const about = { name, version, digest, packedBytes };
    const stored = { ...about, files: asExecutable(files, bin), bin };
    return { stored, contents, release: () => releaseAll(contents) };
  } catch (error) {
    throw refused(error, expected);
  }
}

function releaseAll(contents: readonly Content[]): void {
  for (const content of contents)
    // All lie in one that was made for them.
    if ("bytes" in content && content.bytes.buffer instanceof ArrayBuffer)
      return letGo(new Uint8Array(content.bytes.buffer));
}

function walk(archive: Content, visit: ArchiveVisitor): Promise<ArchiveSummary> {
  if ("bytes" in archive) return walkWhole(archive.bytes, limitsOf(archive.bytes.length), visit);
  const file = Bun.file(archive.path);
  return walkArchive(file.stream(), limitsOf(file.size), visit);
}

function limitsOf(sizeBytes: number): ArchiveLimits {
  return { ...DEFAULT_LIMITS, sizeBytes };
}

function isInMemory(archive: Content): boolean {
  return "bytes" in archive && isReadWhole(archive.bytes, limitsOf(archive.bytes.length));
}

/** What is to be known of a file besides its content. */
type Seen = { sha256: string; script: boolean; kept: Uint8Array | undefined };

function look(bytes: Uint8Array, name: string): Seen {
  return {
    sha256: Bun.SHA256.hash(bytes, "hex"),
    script: bytes[0] === HASH && bytes[1] === BANG,
    kept: isManifestFile(name) ? bytes.slice(0, MAX_MANIFEST_BYTES) : undefined,
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
  return files.map((file) => (commands.has(file.path) ? { ...file, executable: true } : file));
}
