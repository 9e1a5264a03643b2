import { readFileSync, statSync } from "node:fs";

import { fail } from "#base/errors.ts";
import { letGo } from "#base/let-go.ts";
import { createDigester, type Digester } from "#pack/digest.ts";
import { DEFAULT_LIMITS } from "#pack/limits.ts";
import type { Remote } from "#remote/client.ts";
import { fileFailed } from "#store/files.ts";

import type { LockedPackage } from "./lockfile.ts";
import { notKnownHere } from "./offline.ts";
import type { InstallOptions } from "./options.ts";
import { createReceiver, IN_MEMORY_BYTES, type Receiver } from "./receive.ts";
import { isWholeArchive } from "./store-check.ts";
import type { Store } from "./store.ts";
import type { StoredPackage } from "./stored.ts";
import { requireTrusted } from "./trusted.ts";
import type { Content } from "./unpack.ts";

/**
 * A locked package in the store: as it is there, else unpacked from its archive there, else downloaded. Whatever way, its
 * bytes have the checksum of the lock.
 *
 * @throws checksum_mismatch, package_refused, registry_untrusted, network and what the registry tells
 */
export async function ensureStored(
  options: InstallOptions,
  store: Store,
  locked: LockedPackage,
  sizeBytes?: number,
): Promise<StoredPackage> {
  const known = await store.find(locked.digest);
  if (known && known.name === locked.name && known.version === locked.version) return known;
  const { name, version, registry } = locked;
  const receiver = createReceiver(store, sizeBytes);
  try {
    let archive = await findArchive(store, locked);
    if (!archive) {
      if (options.offline) throw notHere(locked);
      requireTrusted(options, registry, name);
      archive = await download(options, locked, receiver, sizeBytes);
    }
    const stored = await store.add(archive, locked);
    if ("bytes" in archive) letGo(archive.bytes);
    options.onEvent?.({ kind: "stored", name, version });
    return stored;
  } finally {
    await receiver.close();
  }
}

function notHere({ registry, name, version }: LockedPackage): Error {
  return notKnownHere(registry, `"${name}@${version}" is not in the store`);
}

/** The archive as it lies in the store. Undefined where it is not there or its bytes changed. */
async function findArchive(store: Store, { digest }: LockedPackage): Promise<Content | undefined> {
  const path = store.archivePath(digest);
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found?.isFile()) return undefined;
    if (found.size > IN_MEMORY_BYTES)
      return (await isWholeArchive(store, digest)) ? { path } : undefined;
    const bytes = readFileSync(path);
    const hasher = new Bun.CryptoHasher("sha256").update(bytes);
    return `sha256:${hasher.digest("hex")}` === digest ? { bytes } : undefined;
  } catch (error) {
    throw fileFailed("read", path, error);
  }
}

async function download(
  options: InstallOptions,
  { name, version, registry, digest }: LockedPackage,
  receiver: Receiver,
  sizeBytes?: number,
): Promise<Content> {
  const remote = await options.remoteFor(registry);
  const { checksum } = options.security;
  const digester = checksum === "sha256" ? sha256Only() : await createDigester();
  const about = { kind: "download", name, version } as const;
  const total = sizeBytes === undefined ? {} : { totalBytes: sizeBytes };
  let receivedBytes = 0;
  // Whatever size a registry tells: a larger one is refused as a package anyway.
  const limitBytes = Math.min(sizeBytes ?? Infinity, DEFAULT_LIMITS.packedBytes);
  for await (const piece of remote.download(name, version, limitBytes)) {
    digester.update(piece);
    await receiver.take(piece);
    receivedBytes += piece.byteLength;
    letGo(piece);
    options.onEvent?.({ ...about, receivedBytes, ...total });
  }
  const got = digester.finish();
  const what = `the archive of "${name}@${version}"`;
  if (got.digest !== digest)
    throw fail("checksum_mismatch", { what, expected: digest, actual: got.digest });
  if (checksum !== "sha256") await compareFurther(remote, { name, version, checksum, what }, got);
  return (await receiver.finish()).archive;
}

/** A second checksum, by what the registry tells of the version. */
async function compareFurther(
  remote: Remote,
  about: { name: string; version: string; checksum: "sha512" | "blake3"; what: string },
  got: { integrity?: string; blake3?: string },
): Promise<void> {
  const told = await remote.readVersion(about.name, about.version);
  const [expected, actual] =
    about.checksum === "sha512" ? [told.integrity, got.integrity] : [told.blake3, got.blake3];
  if (expected !== actual)
    throw fail("checksum_mismatch", { what: about.what, expected, actual: actual ?? "" });
}

function sha256Only(): {
  update: Digester["update"];
  finish: () => { digest: string; integrity?: string; blake3?: string };
} {
  const hasher = new Bun.CryptoHasher("sha256");
  return {
    update: (bytes) => void hasher.update(bytes),
    finish: () => ({ digest: `sha256:${hasher.digest("hex")}` }),
  };
}
