import { chmod, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import {
  generateKeyPair,
  parsePrivateKey,
  type PrivateKey,
  type PublicKey,
  publicKeyOf,
} from "#pack/sign.ts";
import { readTextIfAny, writeFileAtomic } from "#store/files.ts";

import type { Remote } from "./client.ts";
import { type Home, lockHome } from "./credentials.ts";

/** The key that signs what this user publishes. */
export type SigningKeyPair = {
  privateKey: PrivateKey;
  publicKey: PublicKey;
  /** Made just now: whoever publishes should hear of it. */
  created: boolean;
};

/** What decides which key signs. */
export type SigningOptions = Home & {
  env: Readonly<Record<string, string | undefined>>;
  /** Whether a pipeline of a CI service runs us: then no key is made. */
  ci: boolean;
  /** Cryptographic. */
  randomBytes: (size: number) => Uint8Array;
};

/** Where the key of a home lies. */
export function signingKeyPath(landHome: string): string {
  return join(landHome, "keys", "signing-key");
}

/**
 * The key to sign with: `LAND_SIGNING_KEY`, else the one in `$LAND_HOME/keys/`, else a new one written there, readable by
 * the user alone. Under CI none is made: undefined then means that the version goes out unsigned.
 *
 * @throws name_invalid where a key is not readable, naming where it stands; file_failed, lock_busy
 */
export async function loadOrCreateSigningKey(
  options: SigningOptions,
): Promise<SigningKeyPair | undefined> {
  const given = options.env["LAND_SIGNING_KEY"];
  if (given) return pairOf(readKey(given, "LAND_SIGNING_KEY"));
  const path = signingKeyPath(options.landHome);
  const folder = dirname(path);
  const stored = await readTextIfAny(path);
  if (stored !== undefined) return pairOf(readKey(stored, path));
  if (options.ci) return undefined;
  const lock = await lockHome(options, "keys");
  try {
    const meanwhile = await readTextIfAny(path);
    if (meanwhile !== undefined) return await pairOf(readKey(meanwhile, path));
    const pair = await generateKeyPair(options.randomBytes);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    await writeFileAtomic(path, `${pair.privateKey}\n`, { mode: 0o600 });
    return { ...pair, created: true };
  } finally {
    lock.release();
  }
}

/**
 * Makes sure that the account knows the key, since a registry takes signatures of the publisher's own keys only. Also
 * mends a run that ended between making the key and registering it. Returns whether it was new to the account.
 *
 * @throws scope_missing where it is new and the token may not add keys, and what else the registry tells
 */
export async function registerSigningKey(remote: Remote, publicKey: PublicKey): Promise<boolean> {
  const { user } = await remote.me();
  const known = await remote.listKeys(user.name);
  if (known.some(({ key }) => key === publicKey)) return false;
  await remote.addKey(publicKey);
  return true;
}

async function pairOf(privateKey: PrivateKey): Promise<SigningKeyPair> {
  return { privateKey, publicKey: await publicKeyOf(privateKey), created: false };
}

function readKey(text: string, where: string): PrivateKey {
  try {
    return parsePrivateKey(text);
  } catch (cause) {
    if (!(cause instanceof LandError)) throw cause;
    const problem = "it is `ed25519-secret:` and 43 base64url characters";
    throw fail("name_invalid", { what: `the signing key of ${where}`, value: "…", problem });
  }
}
