import { existsSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { Project } from "#pack/project.ts";
import { readTextIfAny } from "#store/files.ts";

import { STAGING } from "./journal.ts";
import { type LayFolders, type LayThread, startLayThread } from "./lay-thread.ts";
import { likelyPath } from "./layout-place.ts";
import { closeLayFolders, openLayFolders, stopLaying } from "./link-known.ts";
import { mayLink } from "./link-method.ts";
import type { InstallOptions } from "./options.ts";
import { openSystemCalls } from "./quick-files.ts";
import { makeStaging } from "./staging.ts";
import { readBootId } from "./store-boot.ts";
import { storePlaces } from "./store-places.ts";

/**
 * A tree that is being laid in the staging folder by a second thread, before it is certain that it is the one that is wanted: that the
 * same manifests and lock led to it before is no proof. Nothing of it is of use to anybody before an install finds so and takes it.
 */
export type EarlyLaying = {
  thread: LayThread;
  folders: LayFolders;
  /** Whose it is now: who takes it sees to what was laid. */
  taken: boolean;
  /** Ends it, and takes away what was laid unless it was taken. */
  end: () => Promise<void>;
};

/** Where the layout of a project is noted that turns out to be right, and the laying that began by the one of last time. */
export type Began = { likely: string | undefined; early: EarlyLaying | undefined };

/** Begins to lay what the project most likely needs, where it has no tree. */
export async function layEarly(
  options: InstallOptions,
  { dir, texts }: Pick<Project, "dir" | "texts">,
  installDir: string,
): Promise<Began> {
  const { landHome, dryRun, lockOnly, mode } = options;
  const nothing = { likely: undefined, early: undefined };
  if (dryRun || lockOnly || mode.kind !== "install" || !mayLink(options)) return nothing;
  const bootId = existsSync(installDir) ? undefined : readBootId();
  if (bootId === undefined) return nothing;
  const lock = await readTextIfAny(join(dir, "land.lock"));
  const likely = likelyPath(landHome, { dir, bootId, texts, lock });
  return { likely, early: existsSync(likely) ? begin(landHome, likely, installDir) : undefined };
}

function begin(landHome: string, likely: string, installDir: string): EarlyLaying | undefined {
  if (!openSystemCalls()) return undefined;
  const thread = startLayThread(likely);
  let folders: LayFolders | undefined;
  try {
    folders = openLayFolders(storePlaces(landHome).files, join(makeStaging(installDir), "new"));
  } catch {
    // What cannot be made is told when it has to be.
    thread.close();
    return undefined;
  }
  thread.begin(folders);
  let isOver = false;
  const opened = folders;
  const early: EarlyLaying = {
    thread,
    folders,
    taken: false,
    async end() {
      if (isOver) return;
      isOver = true;
      const layout = await thread.layout;
      if (layout) await stopLaying(layout, thread);
      thread.close();
      closeLayFolders(opened);
      if (early.taken) return;
      rmSync(join(installDir, STAGING), { recursive: true, force: true });
      removeEmpty(installDir);
    },
  };
  return early;
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody put something there.
  }
}
