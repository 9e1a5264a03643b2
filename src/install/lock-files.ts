import { LandError } from "#base/errors.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import { type Git, runGit } from "./git.ts";
import { mergeConflicts, readBase } from "./lock-merge.ts";
import { mergeLocks } from "./lock-three-way.ts";
import { serializeLock } from "./lock-write.ts";
import { type Lock, parseLock } from "./lockfile.ts";

/** Three files as git gives them to a merge driver, and how long conflict markers are. Paths are absolute. */
export type LockFiles = { base: string; ours: string; theirs: string; markerSize: number };

/**
 * Merges two locks into the file `ours`, as git's merge driver: the exit code tells git whether it is done. Where the locks
 * cannot be merged, `ours` gets the conflict markers that git would have left.
 *
 * @throws lock_invalid, lock_version_unknown, file_failed
 */
export async function mergeLockFiles(git: Git, files: LockFiles): Promise<Lock> {
  const [base, ours, theirs] = [
    await readTextIfAny(files.base),
    await readTextIfAny(files.ours),
    await readTextIfAny(files.theirs),
  ];
  try {
    const merged = mergeLocks(readBase(base ?? ""), readSide(ours), readSide(theirs));
    await writeFileAtomic(files.ours, serializeLock(merged));
    return merged;
  } catch (error) {
    if (error instanceof LandError && error.code.startsWith("lock_"))
      await leaveMarkers(git, files);
    throw error;
  }
}

function readSide(text = ""): Lock {
  return mergeConflicts(text) ?? parseLock(text);
}

/** What git does with files of text. Without git, `ours` stays as it was. */
async function leaveMarkers(
  git: Git,
  { base, ours, theirs, markerSize }: LockFiles,
): Promise<void> {
  const labels = ["-L", "ours", "-L", "base", "-L", "theirs"];
  const size = `--marker-size=${markerSize}`;
  await runGit(git, ["merge-file", size, ...labels, ours, base, theirs]);
}
