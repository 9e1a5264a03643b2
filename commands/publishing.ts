import { fail, LandError } from "#base/errors.ts";
import type { Tag } from "#base/names.ts";
import { type Signature, signVersion } from "#pack/sign.ts";
import { loadOrCreateSigningKey, registerSigningKey, signingKeyPath } from "#remote/signing-key.ts";

import { askToGoOn } from "./ask.ts";
import { type Connection, homeOf } from "./connect.ts";
import type { Context } from "./context.ts";
import { hooksOf } from "./hooks.ts";
import { type Packed, renderSecrets } from "./packing.ts";
import { createProgress, type Step } from "./progress.ts";
import { renderBytes } from "./render.ts";

/** Signs a package and sends it, hooks told before and after. Fails as `publish` of the remote does. */
export async function publishPacked(
  context: Context,
  connection: Connection,
  packed: Packed,
  about: { dir: string; tag: Tag | undefined },
): Promise<void> {
  const { name, version, digest } = packed.value;
  const hooks = hooksOf(context);
  const event = { name, version, dir: about.dir, registry: connection.registry, digest };
  await hooks.emit("prePublish", event);
  await send(context, connection, packed, about.tag);
  await hooks.emit("postPublish", event);
  context.say(`Published ${name}@${version}`);
}

/** Asks whether what looks like a secret may go out; --yes does not say so. @throws secrets_found, cancelled */
export async function settleSecrets(context: Context, secrets: Packed["secrets"]): Promise<void> {
  if (secrets.length === 0) return;
  const files = renderSecrets(secrets);
  if (!context.interactive || context.globals.yes) throw fail("secrets_found", { files });
  await askToGoOn(context, {
    what: "whether to publish secrets",
    message: `Publish for all to read: ${files}?`,
    initial: false,
  });
}

async function send(
  context: Context,
  connection: Connection,
  packed: Packed,
  tag: Tag | undefined,
): Promise<void> {
  const { manifest, archive, digest } = packed;
  const { name, version } = manifest;
  const signature = await sign(context, connection, packed);
  const progress = createProgress(context);
  try {
    await connection.remote.publish({
      name,
      version,
      manifest: manifest.raw,
      archive: archive.bytes,
      digest,
      ...(signature && { signature }),
      onSent: (doneBytes) => progress.update(stepOf(doneBytes, archive.bytes.length)),
    });
    if (tag !== undefined) await connection.remote.setTag(name, tag, version);
  } finally {
    progress.stop();
  }
}

/** What goes on once so many bytes are sent: after the last, the registry reads the archive before it answers. */
function stepOf(doneBytes: number, totalBytes: number): Step {
  return doneBytes < totalBytes
    ? { verb: "Uploading", doneBytes, totalBytes }
    : { verb: `Sent ${renderBytes(totalBytes)}, waiting for the registry` };
}

/** Signs with a key that the account has, or says why the version goes out unsigned. */
async function sign(
  context: Context,
  { remote }: Connection,
  { manifest, digest }: Packed,
): Promise<Signature | undefined> {
  const { env, ci, world } = context;
  const pair = await loadOrCreateSigningKey({
    ...homeOf(context),
    env,
    ci,
    randomBytes: world.random,
  });
  if (!pair) {
    context.warn("This version is not signed: in CI, give the key as LAND_SIGNING_KEY");
    return undefined;
  }
  if (pair.created)
    context.say(`Made a signing key, "${signingKeyPath(context.landHome)}"; keep a copy of it`);
  try {
    await registerSigningKey(remote, pair.publicKey);
  } catch (error) {
    // A token for publishing alone cannot add a key. One that was given on purpose must sign, though.
    const mayNot = error instanceof LandError && error.code === "scope_missing";
    if (!mayNot || env["LAND_SIGNING_KEY"]) throw error;
    context.warn("This version is not signed: the token may not add the key to the account");
    return undefined;
  }
  const { name, version } = manifest;
  return signVersion(pair.privateKey, { name, version, digest });
}

/** Where people read about the package. */
export function pageOf(registry: string, name: string): string {
  return `${registry}/packages/${encodeURIComponent(name).replace("%40", "@").replace("%2F", "/")}`;
}
