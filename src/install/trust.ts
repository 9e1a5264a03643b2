import { join } from "node:path";

import { fail } from "#base/errors.ts";
import type { PackageName } from "#base/names.ts";
import { byText } from "#base/order.ts";
import { readProject } from "#pack/project.ts";
import { parsePublicKey, type PublicKey } from "#pack/sign.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { lockProject } from "./install.ts";
import { serializeLock } from "./lock-write.ts";
import { parseLock } from "./lockfile.ts";
import type { InstallOptions } from "./options.ts";

/** The keys that the lock of a project knows of a package. @throws not_found where the lock is not there or lacks it, lock_invalid */
export async function readPinnedKeys(
  folder: string,
  name: PackageName,
): Promise<readonly PublicKey[]> {
  const { dir } = await readProject(folder);
  return (await readLocked(dir, name)).locked.keys;
}

/**
 * Pins further keys of a package in the lock of a project, so that versions signed by them are accepted. Returns all its
 * keys.
 *
 * @throws not_found where the lock is not there or lacks the package, name_invalid for what is no key, lock_busy
 */
export async function trustKeys(
  options: Pick<
    InstallOptions,
    "dir" | "landHome" | "command" | "lockTimeoutMs" | "now" | "onEvent"
  >,
  name: PackageName,
  keys: readonly string[],
): Promise<PublicKey[]> {
  const { dir } = await readProject(options.dir);
  const osLock = await lockProject(options, dir);
  try {
    const { path, lock, locked } = await readLocked(dir, name);
    locked.keys = [...new Set([...locked.keys, ...keys.map(parsePublicKey)])].toSorted(byText);
    await writeFileAtomic(path, serializeLock(lock));
    return locked.keys;
  } finally {
    osLock.release();
  }
}

async function readLocked(dir: string, name: PackageName) {
  const path = join(dir, "land.lock");
  const text = await readTextIfAny(path);
  const lock = text === undefined ? undefined : parseLock(text);
  const locked = lock?.packages.find((item) => item.name === name);
  if (!lock || !locked) throw fail("not_found", { what: `"${name}" in land.lock` });
  return { path, lock, locked };
}
