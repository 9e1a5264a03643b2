import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

import { LandError } from "#base/errors.ts";
import { fileFailed } from "#store/files.ts";

import { commitChange, isThere } from "./commit.ts";
import { ensureAllStored } from "./fetch-many.ts";
import { ensureStored } from "./fetch.ts";
import { type FileChange, STAGING } from "./journal.ts";
import type { Began } from "./lay-early.ts";
import { findLayout } from "./layout-find.ts";
import type { Lock, LockedPackage } from "./lockfile.ts";
import type { Links } from "./marker.ts";
import type { Metadata } from "./metadata.ts";
import type { InstallOptions } from "./options.ts";
import { noteUse } from "./prune-auto.ts";
import { startStoreThread } from "./store-thread.ts";
import { openStore } from "./store.ts";
import type { StoredPackage } from "./stored.ts";
import { tellBefore } from "./tell.ts";
import { prepareTree, type Tree, type TreeChange, type TreePlaces } from "./tree.ts";

/** A change of a tree, and all that it is made of. */
export type Application = {
  places: TreePlaces;
  tree: Tree;
  change: TreeChange;
  lock: Lock;
  /** Of that lock. */
  text: () => string;
  links: Links;
  files: FileChange[];
  metadata: Metadata;
  /** What was begun before it was known what is to be laid. */
  began: Began;
};

/**
 * Fetches and verifies what is to come, lays it ready, and brings it into place together with the files of the project.
 *
 * @throws checksum_mismatch, package_refused, bin_taken, registry_untrusted, hook_refused, file_failed, network and what the
 * registry tells
 */
export async function applyChange(
  options: InstallOptions,
  application: Application,
): Promise<void> {
  const { places, tree, change, lock, text, links, files, metadata, began } = application;
  const { installDir, rootDir } = places;
  const onWait = (holder: string): void =>
    options.onEvent?.({ kind: "wait", what: "the store", holder });
  const store = await openStore({ ...options, onWait });
  const besides = change.place.length < FOR_THREAD ? undefined : store.besides();
  const found = besides && (await findLayout(options, besides, application));
  const known = found?.known;
  if (!known?.begun) await began.early?.end();
  const fresh = !isThere(installDir);
  const thread = besides && !known ? startStoreThread(besides) : undefined;
  try {
    const fetchOne = async (locked: LockedPackage): Promise<StoredPackage> =>
      ensureStored(options, store, locked, metadata.knownSize(locked));
    const beganAt = options.now().getTime();
    const stored = known
      ? []
      : await ensureAllStored(options, store, change.place, metadata, thread);
    await tellBefore(options.hooks, rootDir, change.result);
    options.onEvent?.({ kind: "write", packages: change.place.length });
    const { landBinary, link } = options;
    const laying = { store, stored, known, landBinary, link };
    const preparation = { places, tree, change, lock, links, ...laying };
    const prepare = async () => {
      const steps = await prepareTree({ ...preparation, fetchAgain: fetchOne, thread });
      await options.beforeCommit?.(steps.placed);
      return steps;
    };
    const steps = await prepare().catch(async (error: unknown) => {
      // What began early, whoever began it ends.
      if (!known?.begun) await dropStaging(installDir, fresh);
      throw error instanceof LandError ? error : fileFailed("write to", installDir, error);
    });
    if (known?.begun && began.early) began.early.taken = true;
    await commitChange({ projectDir: rootDir, installDir }, { files, ...steps, lock: text() });
    found?.keep(stored, beganAt);
    // While the store is in use: who prunes it next knows of the project.
    await noteUse(options, rootDir);
  } finally {
    thread?.close();
    if (!known?.begun) known?.thread.close();
    store.close();
  }
}

/** How many packages make a second thread worth while. */
const FOR_THREAD = 24;

async function dropStaging(installDir: string, fresh: boolean): Promise<void> {
  await rm(join(installDir, STAGING), { recursive: true, force: true });
  if (fresh) await rmdir(installDir).catch(() => undefined);
}
