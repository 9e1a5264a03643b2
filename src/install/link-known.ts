import { closeSync, constants, openSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { LayFolders, LayThread, SharedLayout } from "./lay-thread.ts";
import { LAID, layByLayout } from "./layout-lay.ts";
import { openSystemCalls } from "./quick-files.ts";

/** A layout of the packages to lay, and the folder of the objects that it names. */
export type Known = {
  layout: SharedLayout;
  files: string;
  /** Who lays by it, too, and the folders where it began to. */
  thread: LayThread;
  begun: LayFolders | undefined;
  /** Takes it away: not all could be laid by it. */
  forget: () => void;
};

/** A file of the store that is in it. */
export function sampleOf({ layout: { bytes, sizes }, files }: Known): string {
  const begin = sizes.table;
  return join(files, Buffer.from(bytes.buffer).toString("utf8", begin, bytes.indexOf(0, begin)));
}

/** Opens the folders for laying. Whoever does closes them. Throws as `node:fs` does. */
export function openLayFolders(files: string, folder: string): LayFolders {
  const from = openFolder(files);
  try {
    return { from, to: openFolder(folder) };
  } catch (error) {
    closeSync(from);
    throw error;
  }
}

function openFolder(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
}

/** Closes them. */
export function closeLayFolders({ from, to }: LayFolders): void {
  closeSync(from);
  closeSync(to);
}

/** Lays by hard links the `n`th package of a layout to `folder/n`. Gives those that are laid whole; of others nothing is there. */
export async function layKnown(
  { layout, files, thread, begun, forget }: Known,
  folder: string,
): Promise<ReadonlySet<number>> {
  const folders = begun ?? openLayFolders(files, folder);
  try {
    if (!begun) thread.begin(folders);
    const calls = openSystemCalls();
    if (calls) layByLayout(calls, layout, folders);
  } finally {
    // Whoever clears away what was laid must be alone with it.
    await stopLaying(layout, thread);
    if (!begun) closeLayFolders(folders);
  }
  const laid = new Set<number>();
  for (const at of layout.packages.keys())
    if (layout.state[at + 1] === LAID) laid.add(at);
    else rmSync(join(folder, String(at)), { recursive: true, force: true });
  if (laid.size < layout.packages.length) forget();
  return laid;
}

/** Has nothing new be taken, and waits until nothing is laid any more. */
export async function stopLaying(
  { state }: Pick<SharedLayout, "state">,
  thread: Pick<LayThread, "over">,
): Promise<void> {
  Atomics.store(state, 0, state.length);
  await thread.over;
}
