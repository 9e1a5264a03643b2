import { existsSync, statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { type Project, readProject } from "#pack/project.ts";
import { requireMembers } from "#pack/workspace-ranges.ts";
import { findWorkspaceRoot, readWorkspace, type Workspace } from "#pack/workspace.ts";
import { errorCode, fileFailed, readTextIfAny, writeFileAtomic } from "#store/files.ts";
import { type Lock as OsLock, takeLock } from "#store/lock.ts";

import { lookAfterBoot } from "./after-boot.ts";
import { healChange } from "./commit.ts";
import { LOCK_AGAIN } from "./idle.ts";
import type { FileChange } from "./journal.ts";
import { type Began, type EarlyLaying, layEarly } from "./lay-early.ts";
import { lockOfTree } from "./lock-copy.ts";
import { changesOfLock, differencesOf, ROOT_FOLDER } from "./lock-fit.ts";
import { mergeConflicts } from "./lock-merge.ts";
import { serializeLock } from "./lock-write.ts";
import { type Lock, parseLock } from "./lockfile.ts";
import { linksOf } from "./members.ts";
import type { Metadata } from "./metadata.ts";
import type { InstallOptions, InstallResult } from "./options.ts";
import { checkLockPolicy } from "./policy.ts";
import { fileChanges, refreshCopy, writeFiles } from "./project-files.ts";
import { noteUse, tendStore } from "./prune-auto.ts";
import type { Edited } from "./request-latest.ts";
import { requirementChanges } from "./requirement-changes.ts";
import { storePlaces } from "./store-places.ts";
import { tellAfter } from "./tell.ts";
import { changeOf, heldBy, readTree, type Tree, type TreePlaces } from "./tree.ts";

/**
 * Brings manifest, lock and tree of a project to what the mode asks for, and tells what changed in the tree. In the folder
 * of a member it is the whole workspace: one lock and one tree in its root, the members linked. Whatever fails before
 * everything is fetched, verified and laid ready leaves all three as they were; a run that is killed is completed or undone
 * by the next. One process at a time works on a project; others wait.
 *
 * With a lock that fits and a tree that is whole, no registry is asked. Nothing of a package is ever run.
 *
 * @throws no_solution, lock_missing, lock_outdated, lock_invalid, lock_version_unknown, checksum_mismatch, key_changed,
 * signature_invalid, signature_required, package_refused, bin_taken, install_dir_foreign, registry_untrusted, lock_busy,
 * manifest_missing, manifest_invalid, workspace_invalid, hook_refused, network, and what the registry tells
 */
export async function installProject(options: InstallOptions): Promise<InstallResult> {
  const asked = await realpath(options.dir).catch((cause: unknown) => {
    throw fileFailed("open", options.dir, cause);
  });
  const dir = await findWorkspaceRoot(asked);
  const lock = await lockProject(options, dir);
  const isNewStore = !existsSync(storePlaces(options.landHome).index);
  let done: { result: InstallResult; changesTree: boolean };
  let early: EarlyLaying | undefined;
  try {
    const found = await readProject(dir);
    requireFolder(placesOf(found).installDir);
    const healed = await healChange(placesOf(found));
    const project = healed ? await readProject(dir) : found;
    const began = await layEarly(options, project, placesOf(project).installDir);
    early = began.early;
    const workspace = await readWorkspace(project);
    done = await installLocked(options, workspace, { asked, ...began });
  } finally {
    await early?.end();
    lock.release();
  }
  // Out of the lock: what is told now may itself call land.
  if (done.changesTree) await tellAfter(options.hooks, dir, done.result);
  else if (!options.dryRun) await noteUse(options, dir);
  if (!options.dryRun) await tendStore(options, isNewStore && done.changesTree);
  return done.result;
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

async function installLocked(
  options: InstallOptions,
  found: Workspace,
  { asked, ...began }: { asked: string } & Began,
): Promise<{ result: InstallResult; changesTree: boolean }> {
  for (const problem of found.warnings) options.onEvent?.({ kind: "warn", problem });
  const lockText = await readTextIfAny(join(found.root.dir, "land.lock"));
  const merged = lockText === undefined || isFrozen(options) ? undefined : mergeConflicts(lockText);
  if (merged)
    options.onEvent?.({
      kind: "warn",
      problem: "land.lock held conflicts of version control: both sides were merged",
    });
  const places = treePlaces(found.root);
  const standIn = lockText === undefined ? await standInOf(options, places) : undefined;
  const copy = standIn?.lock;
  const old = merged ?? copy ?? (lockText === undefined ? undefined : parseLock(lockText));
  const metadata = onlyOnce(async () =>
    (await import("./metadata.ts")).createMetadata(options, old),
  );
  const edited = await editedFor(options, { found, asked, old, metadata });
  const { workspace, behind } = edited;
  requireMembers(workspace);
  const lock = await chooseLock(options, { found, ...edited }, old, metadata);
  const text = onlyOnce(() => serializeLock(lock));
  const before = { text: lockText, lock: merged || copy ? undefined : old };
  const files = fileChanges({ found, workspace }, before, { text, lock });
  const manifest = { ...manifestResult(found, workspace), ...(behind.length > 0 && { behind }) };
  if (options.lockOnly)
    return lockAlone(options, { old, lock, root: found.root.dir, files, manifest }, metadata);
  const laid = standIn?.tree ?? (await readTree(places.installDir));
  const tree = await lookAfterBoot(options, places.installDir, laid);
  const links = linksOf(workspace);
  const change = changeOf(places, heldBy(tree), lock, links);
  await checkLockPolicy(options, lock.packages, change.place, metadata);
  const isEmpty = lock.packages.length + links.size === 0;
  if (tree.kind === "foreign" && !isEmpty && !options.yes)
    throw fail("install_dir_foreign", { dir: places.installDir });
  const { place, link, remove } = change;
  const changesTree = place.length + link.length + remove.length > 0;
  const linked = link.length > 0 && { linked: link.map(({ name }) => name) };
  const result = { ...change.result, ...linked, ...manifest };
  if (!options.dryRun && !changesTree && files.length === 0)
    await refreshCopy(places, heldBy(tree), { lockText, text });
  if (options.dryRun || (!changesTree && files.length === 0)) return { result, changesTree: false };
  if (copy && lock === copy) options.onEvent?.({ kind: "warn", problem: LOCK_AGAIN });
  await options.beforeWrite?.(result);
  if (changesTree) {
    const { applyChange } = await import("./apply.ts");
    const application = { places, tree, change, lock, text, links, files, began };
    await applyChange(options, { ...application, metadata: await metadata() });
  } else await writeFiles(places, heldBy(tree), { files, text });
  return { result, changesTree };
}

/** A tree and what it tells of its lock, where an install may take that for a land.lock that is missing. */
async function standInOf(
  options: InstallOptions,
  { installDir }: TreePlaces,
): Promise<{ tree: Tree; lock: Lock | undefined } | undefined> {
  if (isFrozen(options) || options.lockOnly || options.mode.kind === "update") return undefined;
  const tree = await readTree(installDir);
  return { tree, lock: lockOfTree(heldBy(tree), options) };
}

/** What is loaded where it is needed: with a lock that fits and a tree that is whole, most of the client is not. */
type Lazy<T> = () => Promise<T>;

function onlyOnce<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** What the mode asks of the manifests; throws what `editForMode` does. */
async function editedFor(
  options: InstallOptions,
  about: { found: Workspace; asked: string; old: Lock | undefined; metadata: Lazy<Metadata> },
): Promise<Edited> {
  const { found, asked, old, metadata } = about;
  if (options.mode.kind === "install" && options.workspace === undefined)
    return { workspace: found, behind: [] };
  const { editForMode } = await import("./request.ts");
  return editForMode(options, found, asked, await metadata(), old);
}

/** Writes manifests and lock, and looks at no tree. */
async function lockAlone(
  options: InstallOptions,
  about: { old: Lock | undefined; lock: Lock; root: string } & Written,
  metadata: Lazy<Metadata>,
): Promise<{ result: InstallResult; changesTree: boolean }> {
  const { old, lock, root, files, manifest } = about;
  await checkLockPolicy(options, lock.packages, [], metadata);
  const result = { ...changesOfLock(old, lock), ...manifest };
  if (options.dryRun || files.length === 0) return { result, changesTree: false };
  await options.beforeWrite?.(result);
  for (const { path, after } of files) await writeFileAtomic(join(root, path), after);
  return { result, changesTree: false };
}

type Written = { files: FileChange[]; manifest: Pick<InstallResult, "manifest" | "behind"> };

/** What changes in the requirements of the root and its members. */
function manifestResult(found: Workspace, edited: Workspace): Written["manifest"] {
  const changes = requirementChanges(ROOT_FOLDER, found.root.manifest, edited.root.manifest);
  for (const [at, { folder, project }] of found.members.entries()) {
    const after = edited.members[at]?.project ?? project;
    if (after !== project)
      changes.push(...requirementChanges(folder, project.manifest, after.manifest));
  }
  return changes.length > 0 ? { manifest: changes } : {};
}

/** The lock to install: the one that is there where it fits, else a new one. @throws lock_missing, lock_outdated */
async function chooseLock(
  options: InstallOptions,
  { found, workspace, chosen }: Edited & { found: Workspace },
  old: Lock | undefined,
  metadata: Lazy<Metadata>,
): Promise<Lock> {
  const { root, members } = workspace;
  const frozen = isFrozen(options);
  const differences = old && differencesOf(old, root.manifest, members);
  if (old && differences?.length === 0 && options.mode.kind !== "update") return old;
  if (frozen && !differences) throw fail("lock_missing", { path: join(root.dir, "land.lock") });
  if (frozen && differences) throw fail("lock_outdated", { differences: differences.join("; ") });
  const { resolveLock } = await import("./resolve.ts");
  return resolveLock(options, workspace, old, await metadata(), { onDisk: found, chosen });
}

/** What edits the manifest cannot hold to the lock. */
function isFrozen({ frozen, mode }: InstallOptions): boolean {
  return frozen && mode.kind === "install";
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

function placesOf(project: Project): { projectDir: string; installDir: string } {
  return { projectDir: project.dir, installDir: join(project.dir, project.installDir) };
}

function treePlaces(root: Project): TreePlaces {
  const { projectDir, installDir } = placesOf(root);
  return { rootDir: projectDir, installDir, windows: process.platform === "win32" };
}
