import { LandError } from "#base/errors.ts";
import { parseSignature, type Signature, verifyVersion } from "#pack/sign.ts";
import type { Version as ToldVersion } from "#registry/model.ts";

import type { LockedPackage } from "./lockfile.ts";

/**
 * What a signature is worth now. valid: by a key that land.lock knows and the publisher's account holds; unsigned; stripped:
 * land.lock knows keys, but no signature is told any more; invalid: not over these bytes; unpinned: by a key that land.lock does
 * not know; revoked: by a key that the publisher's account holds no more; unknown: by a key that no account is known to have
 * held; replaced: the registry tells of other bytes; gone: it does not know the version any more.
 */
export type SignatureStatus =
  | "valid"
  | "unsigned"
  | "stripped"
  | "invalid"
  | "unpinned"
  | "revoked"
  | "unknown"
  | "replaced"
  | "gone";

/** A status and, where it is not valid, why: a sentence without a full stop. Not made safe for a terminal. */
export type SignatureAudit = { status: SignatureStatus; why?: string };

/** The keys that an account holds now; undefined where there is no such account. */
export type KeysOf = (user: string) => Promise<ReadonlyMap<string, unknown> | undefined>;

/** Judges the signature of a locked version by what its registry tells now; `told` undefined: it does not know the version. */
export async function auditSignature(
  locked: LockedPackage,
  told: ToldVersion | undefined,
  keysOf: KeysOf,
): Promise<SignatureAudit> {
  if (!told) return { status: "gone", why: "its registry does not know this version any more" };
  if (told.digest !== locked.digest)
    return { status: "replaced", why: `its registry tells of ${told.digest} now` };
  if (told.key === null && told.sig === null)
    return locked.keys.length === 0
      ? { status: "unsigned" }
      : { status: "stripped", why: "land.lock knows its keys, its registry tells no signature" };
  const signature = readSignature(told);
  if (!signature || !(await verifyVersion(signature, locked)))
    return { status: "invalid", why: "the signature is not one over these bytes" };
  return auditKey(locked, signature, told.publishedBy, keysOf);
}

async function auditKey(
  { keys }: LockedPackage,
  { key }: Signature,
  publisher: string | null,
  keysOf: KeysOf,
): Promise<SignatureAudit> {
  if (keys.length > 0 && !keys.includes(key))
    return { status: "unpinned", why: `land.lock does not know ${key}` };
  const held = publisher === null ? undefined : await keysOf(publisher);
  if (publisher === null || !held)
    return { status: "unknown", why: `the account that published it with ${key} is gone` };
  if (held.has(key)) return { status: "valid" };
  // What was pinned once was the account's: a registry takes no other.
  return keys.includes(key)
    ? { status: "revoked", why: `the account ${publisher} holds ${key} no more` }
    : { status: "unknown", why: `the account ${publisher} does not hold ${key}` };
}

function readSignature({ name, version, key, sig }: ToldVersion): Signature | undefined {
  try {
    return parseSignature({ key, sig }, { name, version });
  } catch (error) {
    if (error instanceof LandError) return undefined;
    throw error;
  }
}
