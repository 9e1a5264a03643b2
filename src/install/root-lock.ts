import { join } from "node:path";

import { fail } from "#base/errors.ts";
import { type Project, readProject } from "#pack/project.ts";
import { findWorkspaceRoot } from "#pack/workspace.ts";
import { readTextIfAny } from "#store/files.ts";

import { type Lock, parseLock } from "./lockfile.ts";

/** A project, or the root of its workspace, and the lock there. */
export type RootLock = { project: Project; path: string; lock: Lock };

/** The project whose lock counts for a folder: the root of its workspace, if it is in one. @throws manifest_missing, manifest_invalid, workspace_invalid */
export async function readRoot(folder: string): Promise<Project> {
  return readProject(await findWorkspaceRoot(folder));
}

/** The lock of a project as it stands. @throws not_found where there is none, lock_invalid, lock_version_unknown */
export async function readLockOf(project: Project): Promise<RootLock> {
  const path = join(project.dir, "land.lock");
  const text = await readTextIfAny(path);
  if (text === undefined) throw fail("not_found", { what: `"${path}"` });
  return { project, path, lock: parseLock(text) };
}
