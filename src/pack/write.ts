import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import zlib from "node:zlib";

import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { fileFailed } from "#store/files.ts";

import { isMain } from "./always-never.ts";
import { createEntryNames } from "./entry-names.ts";
import { type ArchiveLimits, DEFAULT_LIMITS } from "./limits.ts";
import { manifestTexts } from "./made-manifest.ts";
import { compareBytes, ROOT } from "./paths.ts";
import type { Project } from "./project.ts";
import type { ArchiveFile } from "./read.ts";
import type { Selection } from "./select.ts";
import { END_BYTES, padded, tarBytes, type TarFile, tarHeader } from "./tar-write.ts";

/** An archive, and what is in it in the order of the archive. */
export type PackedArchive = { bytes: Uint8Array; files: ArchiveFile[]; unpackedBytes: number };

/** Something to pack: where its bytes are, and what the archive calls it. */
type Source = ArchiveFile & { bytes: Uint8Array | { onDisk: string } };

/**
 * Makes the archive of a project: the same files give the same bytes, on every machine. Both manifests are always in.
 * The whole tar is held in memory, so limits are asked before anything is read.
 *
 * @throws archive_too_large, archive_invalid, manifest_invalid where `main` or `bin` names what is not in, file_failed
 */
export async function packProject(
  project: Project,
  selection: Selection,
  limits: ArchiveLimits = DEFAULT_LIMITS,
): Promise<PackedArchive> {
  checkTargetsChosen(project, selection);
  const sources = collectSources(project, selection);
  const files = sources.map(({ path, sizeBytes, executable }) => ({ path, sizeBytes, executable }));
  const unpackedBytes = checkLimits(files, limits);
  const bytes = gzip(await writeTar(sources));
  if (bytes.length > limits.packedBytes)
    throw fail("archive_too_large", {
      entry: "",
      problem: `it has ${bytes.length} bytes packed, more than ${limits.packedBytes}`,
    });
  return { bytes, files, unpackedBytes };
}

function collectSources(project: Project, selection: Selection): Source[] {
  const manifests = Object.entries(manifestTexts(project)).map(([path, text]) => {
    const bytes = new TextEncoder().encode(text);
    return { path, sizeBytes: bytes.length, executable: false, bytes };
  });
  const chosen = selection.files
    .filter(({ path }) => path !== "land.json" && path !== "package.json")
    .map(({ path, sizeBytes, executable }) => ({
      path: path.normalize("NFC"),
      sizeBytes,
      executable,
      bytes: { onDisk: join(project.dir, path) },
    }));
  return [...manifests, ...chosen].toSorted((a, b) => compareBytes(a.path, b.path));
}

/** A package whose command or entry point is missing would only fail at its users'. */
function checkTargetsChosen({ file, manifest }: Project, { files, skipped }: Selection): void {
  const paths = files.map(({ path }) => path.normalize("NFC"));
  const explain = (target: string): string => {
    const why = skipped.find(({ path }) => target === path || target.startsWith(`${path}/`))?.why;
    return `names "${printable(target)}", which is not ${why ? `packed: ${why}` : "there"}`;
  };
  for (const [command, target] of Object.entries(manifest.bin))
    if (!paths.includes(target))
      throw fail("manifest_invalid", { file, field: `bin.${command}`, problem: explain(target) });
  // Where `exports` stands, `main` is for old tools alone, and many leave it behind.
  const main = "exports" in manifest.raw ? undefined : manifest.main;
  if (main !== undefined && main !== "." && !paths.some((path) => isMain(main, path)))
    throw fail("manifest_invalid", { file, field: "main", problem: explain(main) });
}

/** What readers would refuse, told before anything is read. */
function checkLimits(files: ArchiveFile[], limits: ArchiveLimits): number {
  const names = createEntryNames(limits);
  let unpackedBytes = 0;
  for (const { path, sizeBytes } of files) {
    const entry = printable(path);
    const clash = names.add(`${ROOT}/${path}`, "file");
    if (clash)
      throw fail(clash.tooLarge ? "archive_too_large" : "archive_invalid", {
        entry,
        problem: clash.problem,
      });
    unpackedBytes += sizeBytes;
    if (unpackedBytes > limits.unpackedBytes)
      throw fail("archive_too_large", {
        entry,
        problem: `brings the contents to more than ${limits.unpackedBytes} bytes`,
      });
  }
  return unpackedBytes;
}

async function writeTar(sources: Source[]): Promise<Uint8Array<ArrayBuffer>> {
  const named = sources.map((source) => ({ source, file: tarFile(source) }));
  const total = named.reduce((sum, { file }) => sum + tarBytes(file), END_BYTES);
  const tar = new Uint8Array(total);
  let at = 0;
  for (const { source, file } of named) {
    const header = tarHeader(file);
    tar.set(header, at);
    at += header.length;
    const room = tar.subarray(at, at + file.sizeBytes);
    if (source.bytes instanceof Uint8Array) room.set(source.bytes);
    else await readInto(room, source.bytes.onDisk);
    at += padded(file.sizeBytes);
  }
  return tar;
}

function tarFile({ path, sizeBytes, executable }: Source): TarFile {
  return { path: `${ROOT}/${path}`, sizeBytes, executable };
}

/** Fills `room` from a file that must be as long as it was when it was chosen. Follows no link put there since. */
async function readInto(room: Uint8Array, path: string): Promise<void> {
  const changed = () =>
    fail("file_failed", { action: "pack", path, problem: "it changed while it was packed" });
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
    (cause: unknown) => {
      throw fileFailed("pack", path, cause);
    },
  );
  try {
    if ((await handle.stat()).size !== room.length) throw changed();
    let filled = 0;
    while (filled < room.length) {
      const { bytesRead } = await handle.read(room, filled, room.length - filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled < room.length) throw changed();
  } finally {
    await handle.close();
  }
}

/**
 * Compresses by libdeflate, level 9, the one that Bun holds: unlike zlib's variants it gives the same bytes on every
 * processor. The header is ours: no time, no name, system unknown.
 */
function gzip(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, zlib.crc32(bytes), true);
  trailer.setUint32(4, bytes.length % 2 ** 32, true);
  return Buffer.concat([
    new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]),
    Bun.deflateSync(bytes, { level: 9, library: "libdeflate" }),
    new Uint8Array(trailer.buffer),
  ]);
}
