import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { fileFailed, writeFileOnce } from "#store/files.ts";
import { type Lock, takeLock } from "#store/lock.ts";

/** The folder of a project where its program keeps what it writes. No deploy and no package takes it. */
export const STATE_FOLDER = ".land";

/** What is written there. */
const PLACES = ["", "lock", "kv", "functions", "functions/0", "kv/0.db", "kv/0.values"];

/**
 * Makes the folder, which git is told to leave out, and takes it for this process alone: two servers of one store would not
 * know of each other. Links are refused: a project of others may hold one that leads out of it.
 *
 * @throws lock_busy, file_failed
 */
export async function takeState(root: string, now: () => Date): Promise<Lock> {
  const folder = join(root, STATE_FOLDER);
  for (const path of PLACES) await refuseLink(join(folder, path));
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw fileFailed("write", folder, cause);
  });
  await writeFileOnce(join(folder, ".gitignore"), "*\n", 0o644);
  return takeLock(join(folder, "lock"), {
    mode: "exclusive",
    what: "what the program of this project keeps",
    command: "land dev",
    timeoutMs: 0,
    now,
  });
}

async function refuseLink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink()) throw fileFailed("use", path, new Error("it is a symbolic link"));
}
