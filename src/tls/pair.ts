import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { open } from "node:fs/promises";
import { isIP } from "node:net";

import { fail, LandError } from "#base/errors.ts";
import { fileFailed } from "#store/files.ts";

import type { Certificate } from "./certificate.ts";

/** Where a certificate and its key are. */
export type PairFiles = { chain: string; key: string };

/** What stands in the two files. */
export type PairTexts = { chain: string; key: string };

const FILE_BYTES_MAX = 1024 * 1024;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const NAME = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/;

/** The texts of the two files. @throws config_invalid naming the file and what is wrong with it */
export async function readPair(files: PairFiles): Promise<PairTexts> {
  return { chain: await readPem(files.chain), key: await readPem(files.key) };
}

async function readPem(path: string): Promise<string> {
  try {
    const handle = await open(path, "r");
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw refuse(path, "it is no file");
      if (stat.size > FILE_BYTES_MAX) throw refuse(path, "it is larger than 1 MB");
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof LandError) throw cause;
    throw refuse(path, String(fileFailed("read", path, cause).data?.["problem"]), cause);
  }
}

/**
 * The certificate that two texts are: the leaf first, then what leads to its root; the key belongs to the leaf. It may be expired.
 *
 * @throws config_invalid naming the file and what is wrong with it
 */
export function parsePair(files: PairFiles, texts: PairTexts): Certificate {
  const certificates = (texts.chain.match(BLOCK) ?? []).map((block) => parseBlock(files, block));
  const [leaf] = certificates;
  if (!leaf) throw refuse(files.chain, "there is no certificate in it (PEM)");
  const key = parseKey(files.key, texts.key);
  if (!leaf.checkPrivateKey(key)) {
    const other = certificates.some((certificate) => certificate.checkPrivateKey(key));
    throw other
      ? refuse(files.chain, "the certificate of the server must be the first in it")
      : refuse(files.key, `it is not the key of the certificate in ${files.chain}`);
  }
  const names = namesOf(leaf);
  if (names.length === 0)
    throw refuse(files.chain, "the certificate has no names (subjectAltName)");
  return {
    chain: certificates.map((certificate) => certificate.toString().trim()).join("\n") + "\n",
    key: key.export({ type: "pkcs8", format: "pem" }),
    names,
    notAfter: new Date(leaf.validTo),
  };
}

function parseBlock(files: PairFiles, block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw refuse(files.chain, "a certificate in it is damaged", cause);
  }
}

function parseKey(path: string, text: string): KeyObject {
  if (/BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text))
    throw refuse(
      path,
      "the key is encrypted; keep it without a passphrase, readable for this user alone",
    );
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw refuse(path, "there is no private key in it (PEM)", cause);
  }
}

/** DNS names in lower case and addresses, IPv6 in brackets. Quoted and odd entries are left out. */
function namesOf(leaf: X509Certificate): string[] {
  const names = (leaf.subjectAltName ?? "").split(", ").flatMap((entry) => {
    const at = entry.indexOf(":");
    const value = entry.slice(at + 1).toLowerCase();
    if (entry.startsWith("DNS:")) return NAME.test(value) ? [value.replace(/\.$/, "")] : [];
    if (!entry.startsWith("IP Address:") || isIP(value) === 0) return [];
    return [isIP(value) === 6 ? (URL.parse(`http://[${value}]`)?.hostname ?? []) : value].flat();
  });
  return [...new Set(names)];
}

function refuse(source: string, problem: string, cause?: unknown): LandError {
  return fail("config_invalid", { key: "tls.certificates", source, problem }, { cause });
}
