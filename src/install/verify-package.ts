import { closeSync, constants, openSync, readSync } from "node:fs";
import { dirname } from "node:path";

import { LandError } from "#base/errors.ts";
import { isManifestFile, readArchiveManifest } from "#pack/archive-manifest.ts";
import { createDigester, type Digester } from "#pack/digest.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import { type ArchiveFile, walkArchive } from "#pack/read.ts";
import { errorCode } from "#store/files.ts";

import type { Bins } from "./stored.ts";
import { readBins } from "./unpack.ts";
import type { Seen } from "./verify-folder.ts";

/** What is wrong with one path: the end of a sentence about it. */
export type PathProblem = { path: string; problem: string };

/** What came of comparing a package folder with its archive. */
export type Comparison = {
  /** Paths relative to the package; "." is its folder. */
  problems: PathProblem[];
  /** Of the archive's bytes. The further ones only where they were asked for. */
  digests: { digest: string; integrity?: string; blake3?: string };
  /** The commands that the archive brings. */
  bin: Bins;
  files: number;
};

type Digesting = { update: Digester["update"]; finish: () => Comparison["digests"] };

/**
 * Compares the folder of a package, as `seen` tells of it, with the archive it came from, byte by byte. Undefined where there
 * is no archive; with `seen` undefined only the archive is read. The archive is as good as its digest: what is told of files
 * counts only where that is the one of the lock.
 *
 * @throws archive_invalid, archive_too_large, manifest_invalid where the archive is damaged or was none that land takes
 */
export async function comparePackage(
  archive: string,
  folder: string,
  seen: ReadonlyMap<string, Seen> | undefined,
  allDigests: boolean,
): Promise<Comparison | undefined> {
  const file = Bun.file(archive);
  if (!(await file.exists())) return undefined;
  const digester = allDigests ? await createDigester() : sha256Only();
  const problems: PathProblem[] = [];
  const texts = new Map<string, Uint8Array>();
  const scripts = new Set<string>();
  const limits = { ...DEFAULT_LIMITS, sizeBytes: file.size };
  const { files } = await walkArchive(
    digested(file.stream(), digester),
    limits,
    async (entry, content) => {
      const { path } = entry;
      const chunks = keepHead(content, path, { texts, scripts });
      const problem = seen && (await problemOfFile(entry, chunks, folder, seen));
      if (problem !== undefined) problems.push({ path, problem });
      for await (const _ of chunks);
    },
  );
  const bin = readBins(readArchiveManifest(texts), withSums(files), scripts);
  if (seen) problems.push(...modeProblems(files, bin, seen), ...extras(files, seen));
  return { problems, digests: digester.finish(), bin, files: files.length };
}

/** One iterator for all who read of it, which remembers what decides on commands. */
async function* keepHead(
  content: AsyncIterable<Uint8Array>,
  path: string,
  { texts, scripts }: { texts: Map<string, Uint8Array>; scripts: Set<string> },
): AsyncGenerator<Uint8Array> {
  const kept: Uint8Array[] = [];
  let head = "";
  for await (const chunk of content) {
    if (head.length < 2) head += Buffer.from(chunk.subarray(0, 2)).toString("latin1");
    if (isManifestFile(path)) kept.push(chunk.slice());
    yield chunk;
  }
  if (head.startsWith("#!")) scripts.add(path);
  if (isManifestFile(path)) texts.set(path, Buffer.concat(kept));
}

async function problemOfFile(
  { path, sizeBytes }: ArchiveFile,
  chunks: AsyncGenerator<Uint8Array>,
  folder: string,
  seen: ReadonlyMap<string, Seen>,
): Promise<string | undefined> {
  const there = seen.get(path);
  // Where a folder on the way is none, that is told, and not of each file below.
  if (!there) return parentsAreFolders(path, seen) ? "is missing" : undefined;
  if (there.kind === "link") return "is a link where a file belongs";
  if (there.kind === "folder") return "is a folder where a file belongs";
  if (there.kind !== "file") return "is no plain file";
  if (there.sizeBytes !== sizeBytes) return "was changed";
  try {
    return (await isSame(`${folder}/${path}`, chunks)) ? undefined : "was changed";
  } catch (cause) {
    const code = errorCode(cause);
    if (code === undefined) throw cause;
    return `cannot be read (${code})`;
  }
}

/** Whether a file has exactly this content. Reads on where it differs, so that the archive is read to its end. */
async function isSame(path: string, chunks: AsyncGenerator<Uint8Array>): Promise<boolean> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    let same = true;
    for (let next = await chunks.next(); !next.done; next = await chunks.next())
      if (same) same = readExactly(descriptor, next.value.length).equals(next.value);
    return same && readExactly(descriptor, 1).length === 0;
  } finally {
    closeSync(descriptor);
  }
}

/** The next bytes of a file; fewer at its end. */
function readExactly(descriptor: number, length: number): Buffer {
  const room = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const read = readSync(descriptor, room, filled, length - filled, null);
    if (read === 0) break;
    filled += read;
  }
  return room.subarray(0, filled);
}

/** Windows knows no executable bit. */
function modeProblems(
  files: readonly ArchiveFile[],
  bin: Bins,
  seen: ReadonlyMap<string, Seen>,
): PathProblem[] {
  if (process.platform === "win32") return [];
  const commands = new Set(Object.values(bin).map(({ path }) => path));
  return files.flatMap(({ path, executable }) => {
    const there = seen.get(path);
    const wanted = executable || commands.has(path);
    if (there?.kind !== "file" || there.executable === wanted) return [];
    return [{ path, problem: wanted ? "is not executable" : "is executable" }];
  });
}

/** What stands in the folder and the archive lacks. Of a folder it is told once, and of all below it nothing. */
function extras(files: readonly ArchiveFile[], seen: ReadonlyMap<string, Seen>): PathProblem[] {
  const known = new Set(files.map(({ path }) => path));
  const folders = new Set<string>();
  for (const path of known)
    for (let at = dirname(path); at !== "." && !folders.has(at); at = dirname(at)) folders.add(at);
  const problems: PathProblem[] = [];
  for (const [path, { kind }] of seen) {
    const parent = dirname(path);
    if (known.has(path) || (parent !== "." && !folders.has(parent))) continue;
    if (!folders.has(path)) problems.push({ path, problem: "is not in the archive" });
    else if (kind !== "folder")
      problems.push({
        path,
        problem: kind === "link" ? "is a link where a folder belongs" : "is no folder",
      });
  }
  return problems;
}

function parentsAreFolders(path: string, seen: ReadonlyMap<string, Seen>): boolean {
  for (let at = dirname(path); at !== "."; at = dirname(at)) {
    const parent = seen.get(at);
    if (parent && parent.kind !== "folder") return false;
  }
  return true;
}

/** Only the paths decide on commands. */
function withSums(files: readonly ArchiveFile[]) {
  return files.map((file) => ({ ...file, sha256: "" }));
}

async function* digested(
  source: AsyncIterable<Uint8Array>,
  digester: Digesting,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    digester.update(chunk);
    yield chunk;
  }
}

function sha256Only(): Digesting {
  const hasher = new Bun.CryptoHasher("sha256");
  return {
    update: (bytes) => void hasher.update(bytes),
    finish: () => ({ digest: `sha256:${hasher.digest("hex")}` }),
  };
}

/** What is wrong with an archive that cannot be read. Anything else than such an error is thrown on. */
export function damageOf(error: unknown): string {
  if (error instanceof LandError && /^(?:archive|manifest|name)_/.test(error.code))
    return error.message.replace(/^Cannot accept the archive: /, "");
  throw error;
}
