import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { archiveFileName } from "#pack/always-never.ts";
import { writeFileAtomic } from "#store/files.ts";

import { defineCommand } from "./command.ts";
import { packFolder, renderFiles, warnOfFiles } from "./packing.ts";

/** Writes the archive of the project to a file. */
export default defineCommand({
  more: "The same files give the same bytes, on every machine.",
  examples: [
    "land pack --dry-run # lists the files, their sizes and why each is in",
    "land pack --out /tmp # writes /tmp/<name>-<version>.tgz",
  ],
  args: {
    dryRun: { type: "boolean", short: "n", about: "Write nothing" },
    out: {
      type: "text",
      short: "o",
      value: "PATH",
      about: "File to write, or folder to write into (default: this folder)",
    },
  },
  async run(context, { dryRun, out }) {
    const { cwd, say } = context;
    const target = resolve(cwd, out ?? ".");
    const isFolder = await stat(target).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const packed = await packFolder(cwd, isFolder ? undefined : target);
    const { value, archive } = packed;
    warnOfFiles(context, packed, { ofSecrets: true });
    if (dryRun) return { value, text: renderFiles(packed) };
    const path = isFolder ? join(target, archiveFileName(value.name, value.version)) : target;
    await writeFileAtomic(path, archive.bytes);
    say(renderFiles(packed));
    return { value, text: path };
  },
});
