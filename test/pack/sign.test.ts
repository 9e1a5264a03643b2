import { expect, test } from "bun:test";

import { parseDigest, parsePackageName, parseVersion } from "#base/names.ts";
import {
  generateKeyPair,
  parsePrivateKey,
  parsePublicKey,
  parseSignature,
  publicKeyOf,
  signVersion,
  verifyVersion,
} from "#pack/sign.ts";

const seedOf = (byte: number) => (size: number) => new Uint8Array(size).fill(byte);
const version = {
  name: parsePackageName("@ada/greet"),
  version: parseVersion("1.2.3"),
  digest: parseDigest(`sha256:${"ab".repeat(32)}`),
};

test("a signature holds for its name, version and digest, and for nothing else", async () => {
  const { privateKey, publicKey } = await generateKeyPair(seedOf(7));
  const signature = await signVersion(privateKey, version);
  expect(signature.key).toBe(publicKey);
  expect(await signVersion(privateKey, version)).toEqual(signature);
  expect(await verifyVersion(signature, version)).toBe(true);
  const others = [
    { ...version, name: parsePackageName("greet") },
    { ...version, version: parseVersion("1.2.4") },
    { ...version, digest: parseDigest(`sha256:${"cd".repeat(32)}`) },
  ];
  for (const other of others) expect(await verifyVersion(signature, other)).toBe(false);
  const { publicKey: stranger } = await generateKeyPair(seedOf(8));
  expect(await verifyVersion({ ...signature, key: stranger }, version)).toBe(false);
});

test("the keys are those of RFC 8032", async () => {
  const seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
  const pub = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  const key = parsePrivateKey(`ed25519-secret:${Buffer.from(seed, "hex").toString("base64url")}`);
  expect(String(await publicKeyOf(key))).toBe(
    `ed25519:${Buffer.from(pub, "hex").toString("base64url")}`,
  );
});

test("WebCrypto verifies the bytes that the protocol names", async () => {
  const { privateKey, publicKey } = await generateKeyPair(seedOf(9));
  const { sig } = await signVersion(privateKey, version);
  const raw = Buffer.from(publicKey.slice(8), "base64url");
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  const message = `land-package-v1\n@ada/greet\n1.2.3\nsha256:${"ab".repeat(32)}\n`;
  const bytes = Buffer.from(sig, "base64url");
  expect(await crypto.subtle.verify("Ed25519", key, bytes, Buffer.from(message))).toBe(true);
});

test("other spellings of keys and signatures are refused", async () => {
  const { privateKey, publicKey } = await generateKeyPair(seedOf(1));
  const { sig } = await signVersion(privateKey, version);
  const about = { name: "a", version: "1.0.0" };
  expect(parseSignature({ key: publicKey, sig, more: 1 }, about)).toEqual({ key: publicKey, sig });
  const bad: unknown[] = [
    undefined,
    null,
    "x",
    [],
    {},
    { key: publicKey },
    { key: publicKey, sig: `${sig}=` },
    { key: publicKey, sig: sig.slice(1) },
    { key: publicKey, sig: `${sig.slice(0, -1)}B` },
    { key: publicKey.slice(8), sig },
    { key: publicKey.replace("ed25519", "ED25519"), sig },
  ];
  for (const value of bad) expect(() => parseSignature(value, about)).toThrow("Cannot trust");
  expect(() => parsePublicKey(`${publicKey}A`)).toThrow("a signing key");
  expect(() => parsePrivateKey("ed25519-secret:secret")).toThrow("a private signing key");
  expect(() => parsePrivateKey("ed25519-secret:topsecret")).not.toThrow("topsecret");
});
