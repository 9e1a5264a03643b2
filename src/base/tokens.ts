import { createHash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

/** `land_`, 43 base62 digits of 256 random bits, 6 base62 digits of their CRC-32. */
export type TokenSecret = `land_${string}`;

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_DIGITS = 43;
const CHECK_DIGITS = 6;
const FORM = /^land_[0-9A-Za-z]{49}$/;

/** A new token secret. `random` must be cryptographically strong. */
export function makeTokenSecret(random: (bytes: number) => Uint8Array): TokenSecret {
  const value = BigInt(`0x${Buffer.from(random(32)).toString("hex")}`);
  const body = `land_${base62(value, SECRET_DIGITS)}` as const;
  return `${body}${checkOf(body)}`;
}

/** Whether a text is a token by its form and checksum: typing errors and other secrets fail before any look-up. */
export function isTokenSecret(text: string): text is TokenSecret {
  return (
    FORM.test(text) && sameText(checkOf(text.slice(0, -CHECK_DIGITS)), text.slice(-CHECK_DIGITS))
  );
}

/** Lower case hex SHA-256: what is stored of a secret with at least 100 random bits, for which one round is enough. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Whether two texts are equal, in a time that tells nothing but their lengths. */
export function sameText(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

function checkOf(body: string): string {
  return base62(BigInt(crc32(body)), CHECK_DIGITS);
}

function base62(value: bigint, digits: number): string {
  let text = "";
  for (let rest = value; text.length < digits; rest /= 62n)
    text = DIGITS.charAt(Number(rest % 62n)) + text;
  return text;
}
