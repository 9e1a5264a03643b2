import { createPrivateKey } from "node:crypto";
import { isIP } from "node:net";

import type { Certificate } from "./certificate.ts";
import { loadX509 } from "./x509.ts";

/** What a certificate is made with. */
type Making = { now: Date; random: (bytes: number) => Uint8Array };

/** A root in PEM. */
export type Root = { certificate: string; key: string };

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const ROOT_DAYS = 3650;
/** Clocks differ; a certificate is valid from an hour ago. */
const EARLIER_MS = 3_600_000;
const LEAF_DAYS = 90;

/** Makes a root that may sign certificates of servers, and no further authorities. It is valid for ten years. */
export async function makeRoot({ now, random }: Making): Promise<Root> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialOf(random),
    name: [
      { O: ["land"] },
      { CN: [`land development authority ${now.toISOString().slice(0, 10)}`] },
    ],
    notBefore: new Date(now.getTime() - EARLIER_MS),
    notAfter: new Date(now.getTime() + ROOT_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await pemOf(keys.privateKey) };
}

/** Makes a certificate for `names` (host names, and addresses, IPv6 in brackets) that `root` signs. It is valid for 90 days. */
export async function makeLeaf(
  root: Root,
  names: readonly string[],
  { now, random }: Making,
): Promise<Certificate> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(root.certificate);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const notAfter = new Date(
    Math.min(now.getTime() + LEAF_DAYS * DAY_MS, issuer.notAfter.getTime()),
  );
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serialOf(random),
    subject: [{ O: ["land development"] }],
    issuer: issuer.subjectName.toJSON(),
    notBefore: new Date(now.getTime() - EARLIER_MS),
    notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(root.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(alternativeName)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return {
    chain: `${leaf.toString("pem")}\n`,
    key: await pemOf(keys.privateKey),
    names: [...names],
    notAfter,
  };
}

function alternativeName(name: string): { type: "ip" | "dns"; value: string } {
  const plain = name.replace(/^\[|\]$/g, "");
  return { type: isIP(plain) === 0 ? "dns" : "ip", value: plain };
}

/** A positive number of 127 bits in hexadecimal. */
function serialOf(random: Making["random"]): string {
  const bytes = Buffer.from(random(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

async function pemOf(key: CryptoKey): Promise<string> {
  const base64 = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{64}(?=.)/g, "$&\n")}\n-----END PRIVATE KEY-----\n`;
}

function signingKeyOf(pem: string): Promise<CryptoKey> {
  const bytes = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return crypto.subtle.importKey("pkcs8", new Uint8Array(bytes), ALGORITHM, false, ["sign"]);
}
