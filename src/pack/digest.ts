import { type Digest, parseDigest } from "#base/names.ts";

/** The three checksums of one stream of bytes. */
export type Digests = {
  /** The address of a blob: `sha256:<hex>`. */
  digest: Digest;
  /** npm's subresource integrity: `sha512-<base64>`. */
  integrity: string;
  /** 64 hex digits. */
  blake3: string;
};

/** Takes bytes as they pass and gives their checksums at the end. */
export type Digester = { update: (bytes: Uint8Array) => void; finish: () => Digests };

/** Starts the three checksums. BLAKE3 runs as WebAssembly, loaded at the first call: Bun has none. */
export async function createDigester(): Promise<Digester> {
  const { createBLAKE3 } = await import("hash-wasm");
  const blake3 = await createBLAKE3();
  const sha256 = new Bun.CryptoHasher("sha256");
  const sha512 = new Bun.CryptoHasher("sha512");
  return {
    update(bytes) {
      sha256.update(bytes);
      sha512.update(bytes);
      blake3.update(bytes);
    },
    finish: () => ({
      digest: parseDigest(`sha256:${sha256.digest("hex")}`),
      integrity: `sha512-${sha512.digest("base64")}`,
      blake3: blake3.digest("hex"),
    }),
  };
}

/** The three checksums of bytes at hand. */
export async function digestBytes(bytes: Uint8Array): Promise<Digests> {
  const digester = await createDigester();
  digester.update(bytes);
  return digester.finish();
}
