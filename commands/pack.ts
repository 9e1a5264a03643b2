import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { fail } from "#base/errors.ts";
import { archiveFileName } from "#pack/always-never.ts";
import { writeFileAtomic } from "#store/files.ts";

import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { chosenMembers, workspaceArg } from "./packing-members.ts";
import { type Packed, packFolder, renderFiles, warnOfFiles } from "./packing.ts";

/** Writes the archive of the project to a file. */
export default defineCommand({
  more: `The same files give the same bytes, on every machine. In a workspace --workspace packs members, with \`workspace:\` ranges
as those read them who install the package.`,
  examples: [
    "land pack --dry-run # lists the files, their sizes and why each is in",
    "land pack --out /tmp # writes /tmp/<name>-<version>.tgz",
    "land pack --workspace @ada/greet # packs that member",
  ],
  args: {
    dryRun: { type: "boolean", short: "n", about: "Write nothing" },
    out: {
      type: "text",
      short: "o",
      value: "PATH",
      about: "File to write, or folder to write into (default: this folder)",
    },
    ...workspaceArg,
  },
  async run(context, { dryRun, out, workspace }) {
    const target = resolve(context.cwd, out ?? ".");
    const isFolder = await stat(target).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const chosen = await chosenMembers(context, workspace);
    const about = { target, isFolder, dryRun };
    if (!chosen?.several) {
      const { packed, path } = await packOne(
        context,
        chosen?.members[0]?.project.dir ?? context.cwd,
        about,
      );
      return { value: packed.value, text: path ?? renderFiles(packed) };
    }
    if (!isFolder)
      throw fail("usage", { problem: "Cannot write several archives to one file: give a folder" });
    const values: Packed["value"][] = [];
    const lines: string[] = [];
    for (const { project } of chosen.members) {
      const { packed, path } = await packOne(context, project.dir, about);
      values.push(packed.value);
      lines.push(path ?? renderFiles(packed));
    }
    return { value: { packed: values }, text: lines.join("\n") };
  },
});

/** Packs one project; `path` is where its archive was written. */
async function packOne(
  context: Context,
  dir: string,
  { target, isFolder, dryRun }: { target: string; isFolder: boolean; dryRun: boolean },
): Promise<{ packed: Packed; path: string | undefined }> {
  const packed = await packFolder(dir, isFolder ? undefined : target);
  const { value, archive } = packed;
  warnOfFiles(context, packed, { ofSecrets: true });
  if (dryRun) return { packed, path: undefined };
  const path = isFolder ? join(target, archiveFileName(value.name, value.version)) : target;
  await writeFileAtomic(path, archive.bytes);
  context.say(renderFiles(packed));
  return { packed, path };
}
