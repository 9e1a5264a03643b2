import { fail } from "#base/errors.ts";
import type { PackageName } from "#base/names.ts";
import { byText } from "#base/order.ts";
import { type PublicKey, verifyVersion } from "#pack/sign.ts";
import type { IndexEntry } from "#remote/index-lines.ts";

/**
 * The keys to pin for a package after one of its versions was chosen: those pinned before, and the one that signed it
 * where none was pinned. The signature is verified.
 *
 * @throws signature_invalid, signature_required, key_changed for another key or none after signed versions
 */
export async function pinKeys(
  name: PackageName,
  { version, digest, signature }: IndexEntry,
  pinned: readonly PublicKey[],
  requireSignatures: boolean,
): Promise<PublicKey[]> {
  const known = pinned.join(", ");
  if (!signature) {
    if (pinned.length > 0) throw fail("key_changed", { name, version, known, got: "not signed" });
    if (requireSignatures) throw fail("signature_required", { name, version });
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
    throw fail("key_changed", { name, version, known, got: `signed by ${key}` });
  return [...new Set([...pinned, key])].toSorted(byText);
}
