import {
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
} from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { fault } from "#base/faults.ts";
import { errorCode, fileFailed, readTextIfAny, syncFolder, writeFileAtomic } from "#store/files.ts";

import {
  JOURNAL,
  type Journal,
  PROJECT_FILES,
  readJournal,
  serializeJournal,
  STAGING,
} from "./journal.ts";
import { MARKER, serializeMarker } from "./marker.ts";

/** The folders a change is about, absolute, `projectDir` with links resolved. */
export type Places = { projectDir: string; installDir: string };

/**
 * Carries out a change that was prepared in the staging folder. Before the journal is on disk nothing of the project was
 * touched; after it, the change is completed, by this run or the next. Where the project's own files cannot be written,
 * they are put back and the change is dropped.
 *
 * @throws file_failed
 */
export async function commitChange(places: Places, journal: Journal): Promise<void> {
  const path = join(places.installDir, JOURNAL);
  fault("commit.prepared");
  await writeFileAtomic(path, serializeJournal(journal));
  fault("commit.journal");
  try {
    for (const { path: file, after } of journal.files) {
      await writeFileAtomic(join(places.projectDir, file), after);
      fault("commit.file");
    }
  } catch (error) {
    await putBack(places, journal);
    throw error;
  }
  await finish(places, journal);
}

/**
 * Completes a change that a killed run had decided, or drops what it had only prepared. Files that the user changed since
 * are left as they are. Returns whether there was anything to do.
 *
 * @throws file_failed
 */
export async function healChange(places: Places): Promise<boolean> {
  const { installDir, projectDir } = places;
  await sweepTemporary(projectDir, PROJECT_FILES);
  // Behind a link lies what another project, or nobody, had decided.
  if (!isFolder(installDir)) return false;
  await sweepTemporary(installDir, [MARKER, JOURNAL]);
  const journal = await readJournal(installDir);
  const staging = join(installDir, STAGING);
  if (journal === undefined) {
    if (!isThere(staging)) return false;
    await rm(staging, { recursive: true, force: true });
    return true;
  }
  if (journal === "broken") {
    await rm(join(installDir, JOURNAL), { force: true });
    await rm(staging, { recursive: true, force: true });
    return true;
  }
  for (const { path, before, after } of journal.files) {
    if (!isInPlace(projectDir, path)) continue;
    const file = join(projectDir, path);
    await sweepTemporary(dirname(file), [basename(file)]);
    const current = await readTextIfAny(file);
    if (current === before && current !== after) await writeFileAtomic(file, after);
  }
  await finish(places, journal);
  return true;
}

/** Whether the folder of a file is where its path says: through a link, a journal of a checkout could write elsewhere. */
function isInPlace(projectDir: string, path: string): boolean {
  const folder = dirname(join(projectDir, path));
  try {
    return realpathSync(folder) === folder;
  } catch {
    return false;
  }
}

/** Removes half-written files that a killed run left beside these. Nobody else writes them while the project is locked. */
async function sweepTemporary(dir: string, files: readonly string[]): Promise<void> {
  const names = isFolder(dir) ? readdirSync(dir) : [];
  for (const name of names)
    if (name.endsWith(".tmp") && files.some((file) => isTemporaryNameOf(file, name)))
      await rm(join(dir, name), { force: true });
}

/** Whether `name` is one that `writeFileAtomic` takes on the way to `file`. */
function isTemporaryNameOf(file: string, name: string): boolean {
  return name.startsWith(`.${file}.`) && /^[0-9a-f]{16}\.tmp$/.test(name.slice(file.length + 2));
}

async function putBack({ projectDir, installDir }: Places, journal: Journal): Promise<void> {
  for (const { path, before } of journal.files) {
    const target = join(projectDir, path);
    if (before === undefined) await rm(target, { force: true });
    else if ((await readTextIfAny(target)) !== before) await writeFileAtomic(target, before);
  }
  await rm(join(installDir, JOURNAL), { force: true });
  await rm(join(installDir, STAGING), { recursive: true, force: true });
}

/** The steps after the project's files, in an order in which each may be repeated. */
async function finish({ installDir }: Places, journal: Journal): Promise<void> {
  const staging = join(installDir, STAGING);
  try {
    moveAll(installDir, staging, journal);
    await syncFolder(installDir);
    fault("commit.moved");
    await writeFileAtomic(join(installDir, MARKER), serializeMarker(journal));
    fault("commit.marker");
    await rm(join(installDir, JOURNAL), { force: true });
    fault("commit.ended");
    // A journal that came back after a power loss must find its staging folder whole.
    await syncFolder(installDir);
    await rm(staging, { recursive: true, force: true });
  } catch (error) {
    throw fileFailed("write to", installDir, error);
  }
}

function moveAll(installDir: string, staging: string, journal: Journal): void {
  const old = join(staging, "old");
  // Without its staging folder a journal tells of a change that was completed, or of none: there is nothing to move.
  if (!isFolder(staging)) return;
  // Through a link that a checkout brings, things would be moved out of the project, or into it.
  for (const part of [old, join(staging, "new")])
    if (isThere(part) && !isFolder(part)) rmSync(part, { force: true });
  mkdirSync(old, { recursive: true });
  for (const [at, name] of journal.clear.entries())
    moveAway(join(installDir, name), join(old, `c${at}`));
  for (const [at, name] of journal.remove.entries()) {
    if (!isInPlainFolder(installDir, name)) continue;
    moveAway(join(installDir, name), join(old, `r${at}`));
    removeScope(installDir, name);
  }
  for (const [at, name] of journal.place.entries()) {
    makeScope(installDir, name, join(old, `s${at}`));
    moveOver(join(staging, "new", String(at)), join(installDir, name), join(old, `p${at}`));
  }
  const bin = join(installDir, ".bin");
  if (journal.bins === "new") moveOver(join(staging, "new", "bin"), bin, join(old, "bin"));
  if (journal.bins === "none") moveAway(bin, join(old, "bin"));
}

/** Nothing where it was moved before, or is not there. */
function moveAway(from: string, to: string): void {
  if (isThere(from) && !isThere(to)) renameSync(from, to);
  fault("commit.away");
}

/** Nothing where it was moved before. */
function moveOver(from: string, target: string, old: string): void {
  if (moveAtOnce(from, target)) return fault("commit.place");
  if (!isThere(from)) return;
  if (isThere(target)) {
    rmSync(old, { recursive: true, force: true });
    renameSync(target, old);
    fault("commit.old");
  }
  renameSync(from, target);
  fault("commit.place");
}

/**
 * False where that did not go: it was moved before, or something stands there that cannot be replaced in one step. An empty folder can,
 * and a link by a link, of which nothing is to be kept.
 */
function moveAtOnce(from: string, target: string): boolean {
  try {
    renameSync(from, target);
    return true;
  } catch {
    return false;
  }
}

/** The folder of a scope is a real one: through a link, packages would land elsewhere. */
function makeScope(installDir: string, name: string, old: string): void {
  if (!name.startsWith("@")) return;
  const scope = join(installDir, dirname(name));
  if (isFolder(scope)) return;
  if (isThere(scope)) renameSync(scope, old);
  mkdirSync(scope);
}

function removeScope(installDir: string, name: string): void {
  if (!name.startsWith("@")) return;
  try {
    rmdirSync(join(installDir, dirname(name)));
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errorCode(error) ?? "")) throw error;
  }
}

/** Whether a package lies in the install folder itself, and not behind a link that stands for its scope. */
export function isInPlainFolder(installDir: string, name: string): boolean {
  return !name.startsWith("@") || isFolder(join(installDir, dirname(name)));
}

/** Whether something stands there, a link too. @throws file_failed */
export function isThere(path: string): boolean {
  return lookAt(path) !== undefined;
}

/** Whether a real folder stands there, not a link to one. @throws file_failed */
export function isFolder(path: string): boolean {
  return lookAt(path)?.isDirectory() ?? false;
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    // A part of the path is a file.
    if (errorCode(cause) === "ENOTDIR") return undefined;
    throw fileFailed("look at", path, cause);
  }
}
