import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { errorCode } from "#store/files.ts";

/** Watches over folders, one by one, so that those of no site (node_modules) cost nothing. */
export type Watch = {
  /** Watches these folders below `dir` and no others. True where one of them was not watched before: what happened in it until now is not known. */
  update: (dir: string, folders: readonly string[]) => Promise<boolean>;
  stop: () => void;
};

type Watched = { watcher: FSWatcher; identity: string };

/**
 * Watches nothing yet but the place where `folder` lies. `onChange` is called for each change in a watched folder;
 * `onFailure` once, where the system does not watch any more.
 */
export function createWatch(
  folder: string,
  onChange: () => void,
  onFailure: (cause: unknown) => void,
): Watch {
  const watched = new Map<string, Watched>();
  let failed = false;
  const giveUp = (cause: unknown): void => {
    if (failed) return;
    failed = true;
    onFailure(cause);
  };
  function open(path: string, mayConcern: (name: string | null) => boolean): FSWatcher | undefined {
    try {
      const watcher = watch(path, (_event, name) => {
        if (mayConcern(name)) onChange();
      });
      // A folder that goes away ends its watcher; whatever else it is, the next look tells.
      return watcher.on("error", onChange);
    } catch (cause) {
      if (errorCode(cause) !== "ENOENT" && errorCode(cause) !== "ENOTDIR") giveUp(cause);
      return undefined;
    }
  }
  // A build may put another folder in its place.
  const above = open(dirname(folder), (name) => name === null || name === basename(folder));
  const close = (path: string): void => {
    watched.get(path)?.watcher.close();
    watched.delete(path);
  };

  /** A folder that is moved or removed tells its own name: what comes in its place is another one. */
  const mayConcern = (path: string) => (name: string | null) => {
    if (name === basename(path)) close(path);
    return true;
  };

  return {
    async update(dir, folders) {
      const wanted = new Set(folders.map((one) => join(dir, one)));
      for (const path of watched.keys()) if (!wanted.has(path)) close(path);
      let grew = false;
      for (const path of failed ? [] : wanted) {
        const identity = await identityOf(path);
        if (watched.get(path)?.identity === identity) continue;
        close(path);
        const watcher = identity === undefined ? undefined : open(path, mayConcern(path));
        if (watcher && identity !== undefined) watched.set(path, { watcher, identity });
        grew ||= watcher !== undefined;
      }
      return grew;
    },
    stop() {
      above?.close();
      for (const path of watched.keys()) close(path);
    },
  };
}

async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && `${found.dev}.${found.ino}.${found.birthtimeMs}`;
}
