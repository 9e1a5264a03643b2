import { fail } from "#base/errors.ts";
import { type Digest, type PackageName, printable, type Version } from "#base/names.ts";

import { isMap } from "./json.ts";

declare const brand: unique symbol;
/** `ed25519:<base64url of 32 bytes>`. */
export type PublicKey = `ed25519:${string}` & { readonly [brand]: "PublicKey" };
/** `ed25519-secret:<base64url of the 32-byte seed>`: what stands in `$LAND_HOME/keys/` and LAND_SIGNING_KEY. */
export type PrivateKey = `ed25519-secret:${string}` & { readonly [brand]: "PrivateKey" };
/** Who signed, and the 64-byte signature as base64url. */
export type Signature = { key: PublicKey; sig: string };
/** What a signature is over. */
export type SignedVersion = { name: PackageName; version: Version; digest: Digest };

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** DER of an Ed25519 private key up to its seed. @see https://www.rfc-editor.org/rfc/rfc8410#section-7 */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

/** Makes a key pair. `randomBytes` must be cryptographic: whoever foresees it can sign. */
export async function generateKeyPair(
  randomBytes: (size: number) => Uint8Array,
): Promise<{ privateKey: PrivateKey; publicKey: PublicKey }> {
  const seed = Buffer.from(randomBytes(KEY_BYTES)).toString("base64url");
  const privateKey = parsePrivateKey(`ed25519-secret:${seed}`);
  return { privateKey, publicKey: await publicKeyOf(privateKey) };
}

/** The public half of a private key. */
export async function publicKeyOf(privateKey: PrivateKey): Promise<PublicKey> {
  const { x } = await crypto.subtle.exportKey("jwk", await importPrivate(privateKey));
  return parsePublicKey(`ed25519:${x}`);
}

/** Signs a version. The same key and version give the same signature. */
export async function signVersion(
  privateKey: PrivateKey,
  version: SignedVersion,
): Promise<Signature> {
  return signText(privateKey, messageOf(version));
}

/** Signs a text. It must begin with what it is for (`land-…-v1`), so that no signature can stand for another kind. */
export async function signText(privateKey: PrivateKey, text: string): Promise<Signature> {
  const key = await importPrivate(privateKey);
  const signature = await crypto.subtle.sign("Ed25519", key, new TextEncoder().encode(text));
  return {
    key: await publicKeyOf(privateKey),
    sig: Buffer.from(signature).toString("base64url"),
  };
}

/** Whether the signature's own key signed exactly this name, version and digest. Says nothing of whose key it is. */
export async function verifyVersion(
  signature: Signature,
  version: SignedVersion,
): Promise<boolean> {
  return verifyText(signature, messageOf(version));
}

/** Whether the signature's own key signed exactly this text. Says nothing of whose key it is. */
export async function verifyText({ key, sig }: Signature, text: string): Promise<boolean> {
  const bytes = Buffer.from(key.slice("ed25519:".length), "base64url");
  try {
    const imported = await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify(
      "Ed25519",
      imported,
      Buffer.from(sig, "base64url"),
      new TextEncoder().encode(text),
    );
  } catch {
    // 32 bytes that are no point of the curve: no signature of such a key can be right.
    return false;
  }
}

/**
 * Checks the `{key, sig}` of a publish or of an index line. Unknown members are left out.
 *
 * @throws signature_invalid
 */
export function parseSignature(
  value: unknown,
  about: { name: string; version: string },
): Signature {
  const refuse = (problem: string) => fail("signature_invalid", { ...about, problem });
  if (!isMap(value)) throw refuse('it is not an object with "key" and "sig"');
  const { key, sig } = value;
  if (!isPublicKey(key)) throw refuse("its key is not ed25519: and 43 base64url characters");
  if (typeof sig !== "string" || !isBase64Url(sig, SIGNATURE_BYTES))
    throw refuse("its sig is not 86 base64url characters");
  return { key, sig };
}

/**
 * Checks a public key.
 *
 * @throws name_invalid
 */
export function parsePublicKey(value: unknown): PublicKey {
  if (isPublicKey(value)) return value;
  throw fail("name_invalid", {
    what: "a signing key",
    value: typeof value === "string" ? printable(value) : "",
    problem: "it is `ed25519:` and 43 base64url characters",
  });
}

/**
 * Checks a private key. The refusal does not repeat the text.
 *
 * @throws name_invalid
 */
export function parsePrivateKey(value: unknown): PrivateKey {
  const text = typeof value === "string" ? value.trim() : "";
  if (isPrivateKey(text)) return text;
  throw fail("name_invalid", {
    what: "a private signing key",
    value: "…",
    problem: "it is `ed25519-secret:` and 43 base64url characters",
  });
}

function messageOf({ name, version, digest }: SignedVersion): string {
  return `land-package-v1\n${name}\n${version}\n${digest}\n`;
}

async function importPrivate(privateKey: PrivateKey): Promise<CryptoKey> {
  const seed = Buffer.from(privateKey.slice("ed25519-secret:".length), "base64url");
  const der = Buffer.concat([PKCS8_HEAD, seed]);
  return crypto.subtle.importKey("pkcs8", der, "Ed25519", true, ["sign"]);
}

function isPublicKey(value: unknown): value is PublicKey {
  return typeof value === "string" && hasKeyForm(value, "ed25519:");
}

function isPrivateKey(value: string): value is PrivateKey {
  return hasKeyForm(value, "ed25519-secret:");
}

function hasKeyForm(text: string, prefix: string): boolean {
  return text.startsWith(prefix) && isBase64Url(text.slice(prefix.length), KEY_BYTES);
}

/** Only the one spelling that encoding gives: the last character has unused bits, and those are zero. */
function isBase64Url(text: string, bytes: number): boolean {
  const decoded = Buffer.from(text, "base64url");
  return decoded.length === bytes && decoded.toString("base64url") === text;
}
