import { statSync } from "node:fs";
import { realpath, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { type Project, readProject } from "#pack/project.ts";
import { errorCode, fileFailed, readTextIfAny, writeFileAtomic } from "#store/files.ts";
import { type Lock as OsLock, takeLock } from "#store/lock.ts";

import { commitChange, healChange, isThere } from "./commit.ts";
import { ensureStored } from "./fetch.ts";
import { type FileChange, PROJECT_FILES, STAGING } from "./journal.ts";
import { differencesOf, ROOT_FOLDER } from "./lock-fit.ts";
import { mergeConflicts } from "./lock-merge.ts";
import { serializeLock } from "./lock-write.ts";
import { type Lock, type LockedPackage, parseLock } from "./lockfile.ts";
import type { Placed } from "./marker.ts";
import { createMetadata, type Metadata } from "./metadata.ts";
import type { InstallOptions, InstallResult } from "./options.ts";
import { inParallel } from "./parallel.ts";
import { checkLockPolicy } from "./policy.ts";
import { editForMode } from "./request.ts";
import { requirementChanges } from "./requirement-changes.ts";
import { resolveLock } from "./resolve.ts";
import { openStore } from "./store.ts";
import type { StoredPackage } from "./stored.ts";
import { changeOf, prepareTree, readTree, type Tree, type TreeChange } from "./tree.ts";

/**
 * Brings manifest, lock and tree of a project to what the mode asks for, and tells what changed in the tree. Whatever
 * fails before everything is fetched, verified and laid ready leaves all three as they were; a run that is killed is
 * completed or undone by the next. One process at a time works on a project; others wait.
 *
 * With a lock that fits and a tree that is whole, no registry is asked. Nothing of a package is ever run.
 *
 * @throws no_solution, lock_missing, lock_outdated, lock_invalid, lock_version_unknown, checksum_mismatch, key_changed,
 * signature_invalid, signature_required, package_refused, bin_taken, install_dir_foreign, registry_untrusted, lock_busy,
 * manifest_missing, manifest_invalid, network, and what the registry tells
 */
export async function installProject(options: InstallOptions): Promise<InstallResult> {
  const dir = await realpath(options.dir).catch((cause: unknown) => {
    throw fileFailed("open", options.dir, cause);
  });
  const lock = await lockProject(options, dir);
  try {
    const found = await readProject(dir);
    requireFolder(placesOf(found).installDir);
    const healed = await healChange(placesOf(found));
    return await installLocked(options, healed ? await readProject(dir) : found);
  } finally {
    lock.release();
  }
}

/** Takes the lock of a project, so that one process at a time changes it. @throws lock_busy */
export async function lockProject(
  options: Pick<InstallOptions, "landHome" | "command" | "lockTimeoutMs" | "now" | "onEvent">,
  dir: string,
): Promise<OsLock> {
  const key = new Bun.CryptoHasher("sha256").update(dir).digest("hex").slice(0, 32);
  const what = `the project "${dir}"`;
  return takeLock(join(options.landHome, "locks", `project-${key}.lock`), {
    mode: "exclusive",
    what,
    command: options.command,
    timeoutMs: options.lockTimeoutMs,
    now: options.now,
    onWait: (holder) => options.onEvent?.({ kind: "wait", what, holder }),
  });
}

async function installLocked(options: InstallOptions, found: Project): Promise<InstallResult> {
  const lockText = await readTextIfAny(join(found.dir, "land.lock"));
  const merged = lockText === undefined || isFrozen(options) ? undefined : mergeConflicts(lockText);
  const old = merged ?? (lockText === undefined ? undefined : parseLock(lockText));
  const metadata = createMetadata(options, old);
  const project = await editForMode(options, found, metadata);
  const lock = await chooseLock(options, project, old, metadata);
  const { installDir } = placesOf(project);
  const tree = await readTree(installDir);
  const placed: Placed = tree.kind === "own" ? tree.placed : new Map();
  const change = changeOf(installDir, placed, lock);
  await checkLockPolicy(options, lock.packages, change.place, metadata);
  if (tree.kind === "foreign" && lock.packages.length > 0 && !options.yes)
    throw fail("install_dir_foreign", { dir: installDir });
  const files = fileChanges(found, project, lockText, merged ? undefined : old, lock);
  const touchesTree = change.place.length > 0 || change.remove.length > 0;
  const manifest = requirementChanges(ROOT_FOLDER, found.manifest, project.manifest);
  const result = { ...change.result, ...(manifest.length > 0 && { manifest }) };
  if (options.dryRun || (!touchesTree && files.length === 0)) return result;
  await options.beforeWrite?.(result);
  if (touchesTree) await applyChange(options, { project, tree, change, lock, files, metadata });
  else await writeFiles(project, placed, files);
  return result;
}

/** The lock to install: the one that is there where it fits, else a new one. @throws lock_missing, lock_outdated */
async function chooseLock(
  options: InstallOptions,
  { manifest, dir }: Project,
  old: Lock | undefined,
  metadata: Metadata,
): Promise<Lock> {
  const frozen = isFrozen(options);
  const differences = old && differencesOf(old, manifest);
  if (old && differences?.length === 0 && options.mode.kind !== "update") return old;
  if (frozen && !differences) throw fail("lock_missing", { path: join(dir, "land.lock") });
  if (frozen && differences) throw fail("lock_outdated", { differences: differences.join("; ") });
  return resolveLock(options, manifest, old, metadata);
}

/** What edits the manifest cannot hold to the lock. */
function isFrozen({ frozen, mode }: InstallOptions): boolean {
  return frozen && mode.kind === "install";
}

/** What of the project's own files has to be written. A lock that says the same is left as it is, byte for byte. */
function fileChanges(
  found: Project,
  project: Project,
  lockText: string | undefined,
  old: Lock | undefined,
  lock: Lock,
): FileChange[] {
  const changes: FileChange[] = [];
  for (const path of PROJECT_FILES) {
    if (path === "land.lock") continue;
    const [before, after] = [found.texts[path], project.texts[path]];
    if (after !== undefined && before !== after) changes.push({ path, before, after });
  }
  if (lock === old) return changes;
  const after = serializeLock(lock);
  if (old === undefined || serializeLock(old) !== after)
    changes.push({ path: "land.lock", before: lockText, after });
  return changes;
}

/** Manifest and lock of a project whose tree stays as it is. */
async function writeFiles(project: Project, placed: Placed, files: FileChange[]): Promise<void> {
  const places = placesOf(project);
  if (placed.size > 0)
    return commitChange(places, { files, clear: [], remove: [], place: [], bins: "keep", placed });
  // Without a tree there is no place for a journal: a lock that fell behind its manifest is made anew by the next run.
  for (const { path, after } of files) await writeFileAtomic(join(project.dir, path), after);
}

type Application = {
  project: Project;
  tree: Tree;
  change: TreeChange;
  lock: Lock;
  files: FileChange[];
  metadata: Metadata;
};

async function applyChange(options: InstallOptions, application: Application): Promise<void> {
  const { project, tree, change, lock, files, metadata } = application;
  const places = placesOf(project);
  const { installDir } = places;
  const fresh = !isThere(installDir);
  const onWait = (holder: string): void =>
    options.onEvent?.({ kind: "wait", what: "the store", holder });
  const store = await openStore({ ...options, onWait });
  try {
    const fetchOne = async (locked: LockedPackage): Promise<StoredPackage> =>
      ensureStored(options, store, locked, metadata.knownSize(locked));
    const stored = await inParallel(change.place, options.concurrency, fetchOne);
    options.onEvent?.({ kind: "write", packages: change.place.length });
    const bins = { landBinary: options.landBinary, windows: process.platform === "win32" };
    const preparation = { installDir, tree, change, lock, store, stored, bins };
    const prepare = async () => {
      const steps = await prepareTree({ ...preparation, fetchAgain: fetchOne });
      await options.beforeCommit?.(steps.placed);
      return steps;
    };
    const steps = await prepare().catch(async (error: unknown) => {
      await dropStaging(installDir, fresh);
      throw error instanceof LandError ? error : fileFailed("write to", installDir, error);
    });
    await commitChange(places, { files, ...steps });
  } finally {
    store.close();
  }
}

/** Even --yes replaces only a folder, or a link to one: what is a file was meant for something else. @throws install_dir_foreign, file_failed */
function requireFolder(installDir: string): void {
  try {
    if (statSync(installDir).isDirectory()) return;
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return;
    throw fileFailed("use", installDir, cause);
  }
  throw fail("install_dir_foreign", { dir: installDir });
}

async function dropStaging(installDir: string, fresh: boolean): Promise<void> {
  await rm(join(installDir, STAGING), { recursive: true, force: true });
  if (fresh) await rmdir(installDir).catch(() => undefined);
}

function placesOf(project: Project): { projectDir: string; installDir: string } {
  return { projectDir: project.dir, installDir: join(project.dir, project.installDir) };
}
