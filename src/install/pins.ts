import { fail, LandError } from "#base/errors.ts";
import type { PackageName } from "#base/names.ts";
import { byText } from "#base/order.ts";
import { type PublicKey, verifyVersion } from "#pack/sign.ts";
import type { IndexEntry } from "#remote/index-lines.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";

import type { InstallOptions } from "./options.ts";
import { keyStory } from "./trust-story.ts";

/** A version that was chosen, and what is known of its package. */
export type Chosen = {
  name: PackageName;
  registry: RegistryUrl;
  entry: IndexEntry;
  /** The keys that the lock knows of the package. */
  pinned: readonly PublicKey[];
};

/**
 * The keys to pin for a package after one of its versions was chosen: those pinned before, and the one that signed it
 * where none was pinned. The signature is verified. A change of key is told with what the registry knows of it.
 *
 * @throws signature_invalid, signature_required, key_changed for another key or none after signed versions
 */
export async function pinKeys(
  options: Pick<InstallOptions, "security" | "remoteFor" | "offline">,
  chosen: Chosen,
): Promise<PublicKey[]> {
  const { name, entry, pinned } = chosen;
  const { version, digest, signature } = entry;
  if (!signature) {
    if (pinned.length > 0) throw await keyChanged(options, chosen, "not signed");
    if (options.security.requireSignatures) throw fail("signature_required", { name, version });
    return [];
  }
  if (!(await verifyVersion(signature, { name, version, digest })))
    throw fail("signature_invalid", {
      name,
      version,
      problem: `it is not one of ${signature.key} over these bytes`,
    });
  const { key } = signature;
  if (pinned.length > 0 && !pinned.includes(key))
    throw await keyChanged(options, chosen, `signed by ${key}`);
  return [...new Set([...pinned, key])].toSorted(byText);
}

async function keyChanged(
  { remoteFor, offline }: Pick<InstallOptions, "remoteFor" | "offline">,
  { name, registry, entry, pinned }: Chosen,
  got: string,
): Promise<LandError> {
  const { version, signature } = entry;
  const question = { name, version, pinned, ...(signature && { signedBy: signature.key }) };
  const story = offline
    ? undefined
    : await keyStory(await remoteFor(registry), question).catch((error: unknown) => {
        // Where the story cannot be had, the refusal stands without it.
        if (error instanceof LandError && error.code !== "cancelled") return undefined;
        throw error;
      });
  const known = pinned.join(", ");
  return fail("key_changed", { name, version, known, got, ...(story && { story: story.lines }) });
}
