import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import type { Digest, PackageName, Version } from "#base/names.ts";
import { isManifestFile, MAX_MANIFEST_BYTES, readArchiveManifest } from "#pack/archive-manifest.ts";
import { emptyMap } from "#pack/json.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import type { PublishableManifest } from "#pack/manifest.ts";
import { walkArchive } from "#pack/read.ts";

import type { Bins, StoredFile, StoredPackage } from "./stored.ts";

/** A package in a temporary folder: every rule of archives was checked, nothing is in the store yet. */
export type Unpacked = {
  stored: StoredPackage;
  /** Where the content of each file lies, in the order of `stored.files`. */
  contents: string[];
};

/** Which package an archive must be. */
export type Expected = { name: PackageName; version: Version; digest: Digest };

const RUN_BY_LAND = /\.(?:ts|js|mjs)$/;

/**
 * Unpacks the archive at `path` into files of `folder` that are named by number, so that no name of the archive touches
 * the disk. It must be the package that was expected.
 *
 * @throws package_refused naming the package and the entry
 */
export async function unpackArchive(
  path: string,
  folder: string,
  expected: Expected,
): Promise<Unpacked> {
  const texts = new Map<string, Uint8Array>();
  const scripts = new Set<string>();
  const files: StoredFile[] = [];
  const contents: string[] = [];
  try {
    const file = Bun.file(path);
    const limits = { ...DEFAULT_LIMITS, sizeBytes: file.size };
    await walkArchive(file.stream(), limits, async (entry, content) => {
      const target = join(folder, String(files.length));
      const written = await writeContent(content, target, entry.path);
      if (written.kept) texts.set(entry.path, written.kept);
      if (written.script) scripts.add(entry.path);
      files.push({ ...entry, sha256: written.sha256 });
      contents.push(target);
    });
    const manifest = readManifest(texts, expected);
    const bin = readBins(manifest, files, scripts);
    return { stored: { ...expected, files: asExecutable(files, bin), bin }, contents };
  } catch (error) {
    throw refused(error, expected);
  }
}

/** An error about an archive as one that names the package it is of. */
function refused(error: unknown, { name, version }: Expected): unknown {
  if (!(error instanceof LandError) || error.code === "package_refused") return error;
  const problem = error.message.replace(/^Cannot accept the archive: /, "its archive is bad: ");
  return /^(?:archive|manifest|name)_/.test(error.code)
    ? fail("package_refused", { name, version, problem }, { cause: error })
    : error;
}

async function writeContent(
  content: AsyncIterable<Uint8Array>,
  target: string,
  name: string,
): Promise<{ sha256: string; script: boolean; kept: Uint8Array | undefined }> {
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
  const { name, version } = expected;
  const manifest = readArchiveManifest(texts);
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
