import { loadX509 } from "./x509.ts";

/** A new key, and a request to sign it for some names. */
export type CertificateRequest = {
  /** PEM, PKCS#8. */
  key: string;
  /** base64url of the DER (RFC 8555 section 7.4). */
  csr: string;
};

const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Makes a P-256 key and the request for it. */
export async function makeCertificateRequest(
  names: readonly string[],
): Promise<CertificateRequest> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const alternatives = names.map((value) => ({ type: "dns" as const, value }));
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: P256,
    extensions: [new x509.SubjectAlternativeNameExtension(alternatives)],
  });
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    key: ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n"),
    csr: Buffer.from(request.rawData).toString("base64url"),
  };
}
