import { join } from "node:path";

import { LandError } from "#base/errors.ts";
import { MANIFEST_FILES, type Project } from "#pack/project.ts";
import type { Workspace } from "#pack/workspace.ts";
import { writeFileAtomic } from "#store/files.ts";

import { commitChange } from "./commit.ts";
import type { FileChange, Journal } from "./journal.ts";
import { serializeLock } from "./lock-write.ts";
import type { Lock } from "./lockfile.ts";
import { type Held, MARKER, serializeMarker } from "./marker.ts";
import type { TreePlaces } from "./tree.ts";

/** What of the project's own files has to be written. A lock that says the same is left as it is, byte for byte. */
export function fileChanges(
  { found, workspace: edited }: { found: Workspace; workspace: Workspace },
  before: { text: string | undefined; lock: Lock | undefined },
  { text, lock }: { text: () => string; lock: Lock },
): FileChange[] {
  const changes = manifestChanges("", found.root, edited.root);
  for (const [at, { folder, project }] of found.members.entries())
    changes.push(...manifestChanges(`${folder}/`, project, edited.members[at]?.project ?? project));
  if (lock === before.lock) return changes;
  const after = text();
  if (before.lock === undefined || serializeLock(before.lock) !== after)
    changes.push({ path: "land.lock", before: before.text, after });
  return changes;
}

function manifestChanges(folder: string, found: Project, edited: Project): FileChange[] {
  if (found === edited) return [];
  return MANIFEST_FILES.flatMap((file) => {
    const [before, after] = [found.texts[file], edited.texts[file]];
    return after === undefined || before === after
      ? []
      : [{ path: `${folder}${file}`, before, after }];
  });
}

/** Manifests and lock of a project whose tree stays as it is. */
export async function writeFiles(
  places: TreePlaces,
  held: Held,
  { files, text }: { files: FileChange[]; text: () => string },
): Promise<void> {
  const { installDir, rootDir: projectDir } = places;
  const lock = text();
  const isOne = files.length === 1 && held.lock === lock;
  if (held.placed.size + held.links.size > 0 && !isOne) {
    const journal: Journal = {
      files,
      clear: [],
      remove: [],
      place: [],
      bins: "keep",
      ...held,
      lock,
    };
    return commitChange({ projectDir, installDir }, journal);
  }
  // Without a tree there is no place for a journal: a lock that fell behind its manifest is made anew by the next run.
  for (const { path, after } of files) await writeFileAtomic(join(projectDir, path), after);
}

/**
 * Brings the copy of the lock in a tree that stays as it is up to date: the lock may be of another hand since, as after a merge. Where
 * that cannot be written, as in a container, the copy stays behind, and then does not fit or tells less.
 */
export async function refreshCopy(
  { installDir }: TreePlaces,
  held: Held,
  { lockText, text }: { lockText: string | undefined; text: () => string },
): Promise<void> {
  if (held.placed.size + held.links.size === 0 || held.lock === lockText) return;
  const lock = text();
  if (held.lock === lock) return;
  try {
    await writeFileAtomic(join(installDir, MARKER), serializeMarker({ ...held, lock }));
  } catch (error) {
    if (!(error instanceof LandError)) throw error;
  }
}
