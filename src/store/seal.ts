import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

import { fail } from "#base/errors.ts";

/** Told apart from later forms by the first byte. */
const FORM = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * A text that only who has `secret` can read: AES-256-GCM under a key that HKDF derives for `purpose` alone, so what was sealed
 * for one purpose cannot be passed off for another.
 */
export function seal(secret: Uint8Array, purpose: string, text: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keyFor(secret, purpose), nonce);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return new Uint8Array(Buffer.concat([Buffer.of(FORM), nonce, cipher.getAuthTag(), sealed]));
}

/** The text that was sealed with the same secret and purpose. @throws sealed_unreadable where it was not, or was changed */
export function unseal(secret: Uint8Array, purpose: string, sealed: Uint8Array): string {
  try {
    if (sealed[0] !== FORM || sealed.length < HEAD_BYTES) throw new Error("not a sealed text");
    const key = keyFor(secret, purpose);
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(1 + NONCE_BYTES, HEAD_BYTES));
    const text = [decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()];
    return Buffer.concat(text).toString("utf8");
  } catch (cause) {
    throw fail("sealed_unreadable", { what: purpose }, { cause });
  }
}

function keyFor(secret: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `land seal ${purpose}`, 32));
}
