import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

/** An ES256 key as it is stored. */
export type StoredKey = string;

/** The key of an ACME account. */
export type AccountKey = {
  /** The public half, its members in the order of RFC 7638. */
  jwk: { crv: string; kty: string; x: string; y: string };
  /** JWS of a payload (RFC 8555 section 6.2); undefined: a POST-as-GET. */
  sign: (header: Record<string, unknown>, payload: unknown) => Promise<string>;
  /** `token.thumbprint`, which proves that a challenge is this account's. */
  authorize: (token: string) => string;
};

const Jwk = Type.Object({
  crv: Type.Literal("P-256"),
  kty: Type.Literal("EC"),
  x: Type.String(),
  y: Type.String(),
  d: Type.String(),
});
const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A new key, as text to be sealed. */
export async function makeAccountKey(): Promise<StoredKey> {
  const { privateKey } = await crypto.subtle.generateKey(ES256, true, ["sign", "verify"]);
  return JSON.stringify(await crypto.subtle.exportKey("jwk", privateKey));
}

/** Opens a key that `makeAccountKey` made. */
export async function openAccountKey(stored: StoredKey): Promise<AccountKey> {
  const whole = Value.Parse(Jwk, JSON.parse(stored));
  const key = await crypto.subtle.importKey("jwk", whole, ES256, false, ["sign"]);
  const { crv, kty, x, y } = whole;
  const jwk = { crv, kty, x, y };
  const thumbprint = digestOf(JSON.stringify(jwk));
  return {
    jwk,
    async sign(header, payload) {
      const head = encode(JSON.stringify({ alg: "ES256", ...header }));
      const body = payload === undefined ? "" : encode(JSON.stringify(payload));
      const signed = new TextEncoder().encode(`${head}.${body}`);
      const signature = Buffer.from(await crypto.subtle.sign(ES256, key, signed));
      return JSON.stringify({
        protected: head,
        payload: body,
        signature: signature.toString("base64url"),
      });
    },
    authorize: (token) => `${token}.${thumbprint}`,
  };
}

/** base64url of the SHA-256 of a text: what a DNS-01 record holds of an authorization. */
export function digestOf(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("base64url");
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}
