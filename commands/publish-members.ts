import { LandError } from "#base/errors.ts";
import type { Tag } from "#base/names.ts";
import type { Member } from "#pack/workspace.ts";
import type { Remote } from "#remote/client.ts";

import { askToGoOn } from "./ask.ts";
import type { Outcome } from "./command.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { type Packed, packFolder, warnOfFiles } from "./packing.ts";
import { pageOf, publishPacked, settleSecrets } from "./publishing.ts";
import { renderBytes, renderCount } from "./render.ts";

/** How to publish, from the flags. */
export type PublishFlags = { dryRun: boolean; allowSecrets: boolean; tag: Tag | undefined };

/** A member that is to be sent: all that is known of its archive but the bytes, which are made again when it is its turn. */
type Due = { member: Member; value: Packed["value"]; secrets: Packed["secrets"] };

/**
 * Publishes members in this order. All are packed before the first is sent, so that what is wrong with one stops it before
 * anything is out; versions that are published already are skipped, so that a run that broke off goes on where it did.
 *
 * Fails as `packFolder` and `publish` of the remote do.
 */
export async function publishMembers(
  context: Context,
  members: readonly Member[],
  flags: PublishFlags,
): Promise<Outcome> {
  const connection = await connect(context);
  const due: Due[] = [];
  const skipped: { name: string; version: string }[] = [];
  for (const member of members) {
    const packed = await packFolder(member.project.dir);
    const { name, version, digest } = packed.value;
    const known = await digestOf(connection.remote, name, version);
    if (known === undefined) {
      warnOfFiles(context, packed, { ofSecrets: flags.dryRun || flags.allowSecrets });
      due.push({ member, value: packed.value, secrets: packed.secrets });
      continue;
    }
    skipped.push({ name, version });
    context.say(`Skipped ${name}@${version}: it is published already`);
    if (known !== digest)
      context.warn(`${name}@${version} is published with other files: raise its version`);
  }
  const value = { published: due.map((item) => item.value), skipped };
  if (flags.dryRun) return { value, text: due.map(lineOf).join("\n") };
  for (const item of due) context.say(lineOf(item));
  await settle(context, due, flags, connection.registry);
  for (const { member } of due) {
    const packed = await packFolder(member.project.dir);
    await publishPacked(context, connection, packed, { dir: member.project.dir, tag: flags.tag });
  }
  return {
    value,
    text: due.map((item) => pageOf(connection.registry, item.value.name)).join("\n"),
  };
}

async function settle(
  context: Context,
  due: readonly Due[],
  { allowSecrets }: PublishFlags,
  registry: string,
): Promise<void> {
  const secrets = due.flatMap((item) =>
    item.secrets.map(({ path, what }) => ({ path: `${item.member.folder}/${path}`, what })),
  );
  if (!allowSecrets) await settleSecrets(context, secrets);
  if (context.interactive && due.length > 0)
    await askToGoOn(context, {
      what: "whether to publish",
      message: `Publish ${renderCount(due.length, "package")} to ${registry}?`,
    });
}

/** The digest of a published version; undefined where there is none. */
async function digestOf(
  remote: Remote,
  name: string,
  version: string,
): Promise<string | undefined> {
  try {
    return (await remote.readVersion(name, version)).digest;
  } catch (error) {
    const absent = ["package_not_found", "version_not_found"];
    if (error instanceof LandError && absent.includes(error.code)) return undefined;
    throw error;
  }
}

function lineOf({ value: { name, version, files, sizeBytes, digest } }: Due): string {
  return `${name}@${version}  ${renderCount(files.length, "file")}, packed ${renderBytes(sizeBytes)}, ${digest}`;
}
