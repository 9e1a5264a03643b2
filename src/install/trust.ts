import { fail } from "#base/errors.ts";
import { type PackageName, printable, type Version } from "#base/names.ts";
import { byText } from "#base/order.ts";
import { compareVersions } from "#base/ranges.ts";
import { parsePublicKey, type PublicKey, verifyVersion } from "#pack/sign.ts";
import type { Remote } from "#remote/client.ts";
import type { IndexEntry } from "#remote/index-lines.ts";
import { writeFileAtomic } from "#store/files.ts";

import { lockProject } from "./install.ts";
import { serializeLock } from "./lock-write.ts";
import type { LockedPackage } from "./lockfile.ts";
import type { InstallOptions } from "./options.ts";
import { readLockOf, readRoot } from "./root-lock.ts";

/** The project whose lock is changed, and how to lock it. */
export type TrustOptions = Pick<
  InstallOptions,
  "dir" | "landHome" | "command" | "lockTimeoutMs" | "now" | "onEvent"
>;

/** What the lock of a project pins. */
export type Pinned = Pick<LockedPackage, "name" | "version" | "registry" | "keys">;

/** A signature that was verified. */
export type SignedBy = { version: Version; key: PublicKey };

/** The packages of a lock and the keys it knows of each, sorted by name. @throws not_found where there is no lock, lock_invalid */
export async function listPinned(folder: string): Promise<Pinned[]> {
  const { lock } = await readLockOf(await readRoot(folder));
  return lock.packages.map(({ name, version, registry, keys }) => ({
    name,
    version,
    registry,
    keys,
  }));
}

/** What the lock of a project knows of a package. @throws not_found where the lock is not there or lacks it, lock_invalid */
export async function readPinned(folder: string, name: PackageName): Promise<Pinned> {
  const pinned = (await listPinned(folder)).find((item) => item.name === name);
  if (pinned) return pinned;
  throw notLocked(name);
}

/**
 * Pins further keys of a package in the lock of a project, so that versions signed by them are accepted. Returns all its
 * keys.
 *
 * @throws not_found where the lock is not there or lacks the package, name_invalid for what is no key, lock_busy
 */
export async function trustKeys(
  options: TrustOptions,
  name: PackageName,
  keys: readonly string[],
): Promise<PublicKey[]> {
  const more = keys.map(parsePublicKey);
  return changeKeys(options, name, (pinned) => [...pinned, ...more]);
}

/**
 * Forgets keys of a package in the lock of a project; all of them where none are named. Without any, the next version that is
 * chosen decides which key is known, or that it need not be signed. Returns the keys that are left.
 *
 * @throws not_found where the lock is not there, lacks the package or does not know a key, name_invalid, lock_busy
 */
export async function forgetKeys(
  options: TrustOptions,
  name: PackageName,
  keys: readonly string[],
): Promise<PublicKey[]> {
  const wanted = keys.map(parsePublicKey);
  return changeKeys(options, name, (pinned) => {
    const unknown = wanted.find((key) => !pinned.includes(key));
    if (unknown !== undefined)
      throw fail("not_found", { what: `the key "${unknown}" of "${name}" in land.lock` });
    return wanted.length === 0 ? [] : pinned.filter((key) => !wanted.includes(key));
  });
}

async function changeKeys(
  options: TrustOptions,
  name: PackageName,
  change: (pinned: readonly PublicKey[]) => PublicKey[],
): Promise<PublicKey[]> {
  const project = await readRoot(options.dir);
  const osLock = await lockProject(options, project.dir);
  try {
    const { path, lock } = await readLockOf(project);
    const locked = lock.packages.find((item) => item.name === name);
    if (!locked) throw notLocked(name);
    const keys = [...new Set(change(locked.keys))].toSorted(byText);
    const changed = lock.packages.map((item) => (item === locked ? { ...item, keys } : item));
    if (keys.join() !== locked.keys.join())
      await writeFileAtomic(path, serializeLock({ ...lock, packages: changed }));
    return keys;
  } finally {
    osLock.release();
  }
}

function notLocked(name: PackageName): Error {
  return fail("not_found", {
    what: `"${printable(name)}" in land.lock`,
    hint: "See what is with `land trust list`",
  });
}

/**
 * Who signed a version of a package, by default the newest that is not yanked. The signature is verified.
 *
 * @throws package_not_found, version_not_found, not_signed, signature_invalid, and what the registry tells
 */
export async function readSigner(
  remote: Remote,
  name: PackageName,
  wanted: Version | undefined,
): Promise<SignedBy> {
  const index = await remote.readIndex(name);
  if (index.kind !== "fresh") throw fail("package_not_found", { name });
  const { version, digest, signature } = pickEntry(index.entries, name, wanted);
  if (!signature) throw fail("not_signed", { name, version });
  const { key } = signature;
  if (await verifyVersion(signature, { name, version, digest })) return { version, key };
  const problem = `it is not one of ${key} over these bytes`;
  throw fail("signature_invalid", { name, version, problem });
}

function pickEntry(
  entries: readonly IndexEntry[],
  name: PackageName,
  wanted: Version | undefined,
): IndexEntry {
  if (wanted !== undefined) {
    const entry = entries.find(({ version }) => version === wanted);
    if (entry) return entry;
    throw fail("version_not_found", { name, version: wanted });
  }
  const [newest] = entries
    .filter(({ yanked }) => !yanked)
    .toSorted((a, b) => compareVersions(b.version, a.version));
  if (newest) return newest;
  throw fail("not_found", { what: `a version of "${name}" that is not yanked` });
}
