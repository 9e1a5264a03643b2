import { loadX509 } from "#tls/x509.ts";

// The order in which two imports are loaded is not kept everywhere.
const x509 = await loadX509();

const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A certificate authority of one test. */
export type Authority = {
  pem: string;
  certificateOf: (name: string) => Promise<{ cert: string; key: string }>;
};

/** Makes one whose certificates are good for an hour. */
export async function makeAuthority(): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(EC, true, ["sign", "verify"]);
  const notBefore = new Date(Date.now() - 60_000);
  const notAfter = new Date(Date.now() + 3_600_000);
  const name = "CN=Test authority";
  const common = { notBefore, notAfter, signingAlgorithm: EC };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...common,
    name,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  return {
    pem: root.toString("pem"),
    async certificateOf(host) {
      const own = await crypto.subtle.generateKey(EC, true, ["sign", "verify"]);
      const leaf = await x509.X509CertificateGenerator.create({
        ...common,
        subject: `CN=${host}`,
        issuer: name,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: host }])],
      });
      const bytes = await crypto.subtle.exportKey("pkcs8", own.privateKey);
      return {
        cert: leaf.toString("pem"),
        key: x509.PemConverter.encode(bytes, "PRIVATE KEY"),
      };
    },
  };
}
