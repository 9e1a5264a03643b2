import { fail } from "#base/errors.ts";
import { parseTag } from "#base/names.ts";
import { isRange } from "#base/ranges.ts";
import { readProject } from "#pack/project.ts";
import { isPrivate } from "#pack/workspace-order.ts";

import { askToGoOn } from "./ask.ts";
import { defineCommand, type Outcome } from "./command.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { chosenMembers, workspaceArg } from "./packing-members.ts";
import { packFolder, renderFiles, warnOfFiles } from "./packing.ts";
import { type PublishFlags, publishMembers } from "./publish-members.ts";
import { pageOf, publishPacked, settleSecrets } from "./publishing.ts";

/** Packs the project, signs it and sends it to the registry. */
export default defineCommand({
  more: `Shows what will be sent and, at a terminal, asks before it is. A version can be published once: raise \`version\` in the
manifest for the next. The version is signed with the key in LAND_SIGNING_KEY, else with the user's own, which the
first publish makes outside CI. Files that look like secrets are asked about at a terminal and refused elsewhere, also
with --yes.
In a workspace --workspace publishes members, each after what it needs, with \`workspace:\` ranges as versions. Patterns
pass over members that are private or have no version; of several, versions that are published already are skipped.`,
  examples: [
    "land publish --dry-run # shows what would be sent, and sends nothing",
    "land publish --tag beta # also points the tag beta at it",
    "land publish --workspace '*' # all members that are not published yet",
  ],
  args: {
    dryRun: { type: "boolean", short: "n", about: "Send nothing" },
    allowSecrets: { type: "boolean", about: "Publish files that look like secrets, too" },
    tag: { type: "text", value: "TAG", about: "Tag to point at the version too" },
    ...workspaceArg,
  },
  async run(context, values) {
    const tag = values.tag === undefined ? undefined : parseTag(values.tag, isRange);
    const chosen = await chosenMembers(context, values.workspace);
    if (chosen?.several) return publishMembers(context, chosen.members, { ...values, tag });
    const dir = chosen?.members[0]?.project.dir ?? context.cwd;
    return publishFolder(context, dir, { ...values, tag });
  },
});

async function publishFolder(
  context: Context,
  dir: string,
  { dryRun, allowSecrets, tag }: PublishFlags,
): Promise<Outcome> {
  const project = await readProject(dir);
  if (isPrivate({ project }))
    throw fail("manifest_invalid", {
      file: project.file,
      field: "private",
      problem: "is true: take it out of the manifest to publish this",
    });
  const packed = await packFolder(dir);
  const { value } = packed;
  warnOfFiles(context, packed, { ofSecrets: dryRun || allowSecrets });
  if (dryRun) return { value, text: renderFiles(packed) };
  const connection = await connect(context);
  context.say(`${renderFiles(packed)}\n`);
  if (!allowSecrets) await settleSecrets(context, packed.secrets);
  if (context.interactive)
    await askToGoOn(context, {
      what: "whether to publish",
      message: `Publish ${value.name}@${value.version} to ${connection.registry}?`,
    });
  await publishPacked(context, connection, packed, { dir, tag });
  return { value, text: pageOf(connection.registry, value.name) };
}
