import { rm } from "node:fs/promises";
import { join } from "node:path";

import type { PackageName } from "#base/names.ts";
import { fileFailed, writeFileAtomic } from "#store/files.ts";

import { healChange } from "./commit.ts";
import { installProject, lockProject } from "./install.ts";
import type { LockedPackage } from "./lockfile.ts";
import { MARKER, readMarker, serializeMarker } from "./marker.ts";
import type { InstallOptions, InstallResult } from "./options.ts";
import { readLockOf, readRoot } from "./root-lock.ts";
import { dropDamaged, isWholeArchive } from "./store-check.ts";
import { storePlaces } from "./store-places.ts";
import { openStore } from "./store.ts";
import type { TreeProblem } from "./verify-bins.ts";
import { NO_LONGER_LOCKED, NOT_LOCKED } from "./verify-strangers.ts";
import type { Verification } from "./verify.ts";

/** Problems that are mended by taking something away that land did not put there. */
export function strangersOf(problems: readonly TreeProblem[]): TreeProblem[] {
  return problems.filter((problem) => pathOfStranger(problem) !== undefined);
}

/**
 * Lays those packages of a project anew that a verification found damaged, from archives that have the checksum of the lock.
 * What land did not put into the tree goes away, so ask before. First the tree's record forgets what is damaged, then an
 * install as the lock says puts it back: whenever this is killed, `land install` goes on with it.
 *
 * @throws lock_outdated, install_dir_foreign, network, lock_busy, file_failed and what else `installProject` throws
 */
export async function repairProject(
  options: InstallOptions,
  found: Pick<Verification, "problems">,
): Promise<InstallResult> {
  const project = await readRoot(options.dir);
  const installDir = join(project.dir, project.installDir);
  const osLock = await lockProject(options, project.dir);
  try {
    await healChange({ projectDir: project.dir, installDir });
    const { lock } = await readLockOf(project);
    const bad = new Set<string>(found.problems.map((item) => item.package));
    await dropFromStore(
      options,
      lock.packages.filter(({ name }) => bad.has(name)),
    );
    await forgetInMarker(installDir, found.problems);
    await removeStrangers(installDir, found.problems);
  } finally {
    osLock.release();
  }
  return installProject({ ...options, mode: { kind: "install" }, frozen: true });
}

/** What a store holds of these packages and is damaged must not come back into the tree. */
async function dropFromStore(
  options: InstallOptions,
  packages: readonly LockedPackage[],
): Promise<void> {
  if (packages.length === 0) return;
  const places = storePlaces(options.landHome);
  const store = await openStore(options);
  try {
    for (const { digest } of packages) {
      const stored = await store.find(digest);
      const lost = stored ? await dropDamaged(places, stored, "content") : [];
      const whole = await isWholeArchive(places, digest);
      if (!whole) await rm(places.archivePath(digest), { force: true, recursive: true });
      if (lost.length > 0 || !whole) await store.forget(digest);
    }
  } finally {
    store.close();
  }
}

/** What the marker does not tell of is laid anew, with its commands. */
async function forgetInMarker(installDir: string, problems: readonly TreeProblem[]): Promise<void> {
  const held = await readMarker(installDir);
  if (!held) return;
  const noBins = problems.some(({ package: name, path }) => name === "" && path === ".bin");
  const isBad = (name: PackageName, bin: object): boolean =>
    problems.some((item) => item.package === name && item.problem !== NO_LONGER_LOCKED) ||
    (noBins && Object.keys(bin).length > 0);
  const placed = new Map([...held.placed].filter(([name, { bin }]) => !isBad(name, bin)));
  const links = new Map([...held.links].filter(([name, { bin }]) => !isBad(name, bin)));
  await writeFileAtomic(join(installDir, MARKER), serializeMarker({ ...held, placed, links }));
}

async function removeStrangers(
  installDir: string,
  problems: readonly TreeProblem[],
): Promise<void> {
  for (const problem of problems) {
    const path = pathOfStranger(problem);
    if (path === undefined) continue;
    await rm(join(installDir, path), { recursive: true, force: true }).catch((cause: unknown) => {
      throw fileFailed("remove", join(installDir, path), cause);
    });
  }
}

/** Where something stands that no lock explains, relative to the install folder; undefined for other problems. */
function pathOfStranger({ package: name, path, problem }: TreeProblem): string | undefined {
  if (name === "") return path === ".bin" || path.startsWith(".bin/") ? path : undefined;
  return problem === NOT_LOCKED ? name : undefined;
}
