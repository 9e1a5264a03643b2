import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { runInSlices } from "#base/slices.ts";
import { isNeverDeployed } from "#pack/site-never.ts";

import { refuseEntry } from "./archive-entries.ts";
import type { DeployLimits } from "./deploy-limits.ts";
import {
  type ManifestFile,
  problemOfDeployPath,
  refusePath,
  sliceManifest,
} from "./deploy-paths.ts";

/** Entries of an archive, and those of a folder on top of the files. */
const ENTRIES_PER_FILE = 2;

/** Judges the entries of one archive as they come. */
export type EntryCheck = {
  /**
   * The path under which an entry is to be deployed, before a common top folder is taken off; undefined where it is left out.
   *
   * @throws archive_invalid, archive_too_large, both naming the entry
   */
  accept: (entry: {
    name: string;
    kind: "file" | "folder";
    sizeBytes: number;
  }) => string | undefined;
};

/** Makes the check. Folders and what is left out count too: an archive of millions of them is none to read on. */
export function createEntryCheck(limits: DeployLimits): EntryCheck {
  let [entries, files, bytes] = [0, 0, 0];
  return {
    accept({ name, kind, sizeBytes }) {
      const tooLarge = (problem: string): Error =>
        fail("archive_too_large", { entry: printable(name), problem });
      entries += 1;
      if (entries > limits.files * ENTRIES_PER_FILE)
        throw tooLarge(`comes after ${limits.files * ENTRIES_PER_FILE} entries, the limit`);
      const path = pathOfEntry(name, kind);
      // What is left out is read past, and so counts as bytes.
      bytes += sizeBytes;
      if (bytes > limits.deployBytes)
        throw tooLarge(`brings the contents to more than ${limits.deployBytes} bytes`);
      if (kind === "folder" || path.split("/").some(isNeverDeployed)) return undefined;
      files += 1;
      if (files > limits.files) throw tooLarge(`comes after ${limits.files} files, the limit`);
      if (sizeBytes > limits.fileBytes) throw tooLarge(`is larger than ${limits.fileBytes} bytes`);
      return path;
    },
  };
}

/**
 * The files of an archive as a manifest, without the one folder that holds them all.
 *
 * @throws deploy_path_invalid
 */
export async function toManifest(files: readonly ManifestFile[]): Promise<ManifestFile[]> {
  const top = commonTop(files.map(({ path }) => path));
  const stripped = files.map(({ path, digest, sizeBytes }) => ({
    path: path.slice(top.length),
    digest,
    sizeBytes,
  }));
  for (const { path } of stripped) {
    const problem = problemOfDeployPath(path);
    if (problem !== undefined) throw refusePath(path, problem);
  }
  await runInSlices(sliceManifest(stripped));
  return stripped;
}

/** `dist/` where all paths lie in it. A folder with a meaning of its own, like `.well-known`, is no wrapping. */
function commonTop(paths: readonly string[]): string {
  const [first = ""] = paths;
  const top = first.slice(0, first.indexOf("/") + 1);
  return top !== "" && !top.startsWith(".") && paths.every((path) => path.startsWith(top))
    ? top
    : "";
}

/** Relative, in NFC, without `./` before it and `/` after a folder; "" for the folder of the archive itself. */
function pathOfEntry(name: string, kind: "file" | "folder"): string {
  const relative = name.replace(/^(?:\.\/)+/, "");
  const path = kind === "folder" ? relative.replace(/\/$/, "") : relative;
  if (kind === "folder" && (path === "" || path === ".") && name !== "/") return "";
  const composed = path.normalize("NFC");
  const problem = problemOfDeployPath(path) ?? problemOfDeployPath(composed);
  if (problem !== undefined) throw refuseEntry(name, `cannot be deployed: ${problem}`);
  return composed;
}
