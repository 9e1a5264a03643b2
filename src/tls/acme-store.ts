import { createPrivateKey, X509Certificate } from "node:crypto";

import { eq } from "drizzle-orm";

import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";
import { seal, unseal } from "#store/seal.ts";

import type { Issued } from "./acme-order.ts";
import type { Plan } from "./acme-plan.ts";
import { type Certificate, covers } from "./certificate.ts";
import { certificates } from "./tables.ts";

/** A certificate that was got once. */
export type StoredCertificate = Certificate & {
  name: string;
  notBefore: Date;
  /** The directory it came from. */
  issuer: string;
};

/** The certificates of the authority, in memory and on disk. */
export type CertificateStore = {
  find: (name: string) => StoredCertificate | undefined;
  all: () => StoredCertificate[];
  /** Checks a certificate and keeps it; once it resolves it is on disk. @throws certificate_failed for one that is not what was asked for */
  save: (plan: Plan, issued: Issued) => Promise<StoredCertificate>;
  remove: (name: string) => Promise<void>;
};

const PURPOSE = "certificate key";
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** Loads all certificates. One whose key cannot be unsealed is left out, to be got anew. */
export async function openCertificateStore(ctx: Ctx): Promise<CertificateStore> {
  const kept = new Map<string, StoredCertificate>();
  for (const { sealedKey, issuedAt: _, ...row } of await ctx.db.read.select().from(certificates)) {
    try {
      kept.set(row.name, { ...row, key: unseal(ctx.secret, PURPOSE, sealedKey) });
    } catch (cause) {
      ctx.log.warn("certificate unreadable", { name: row.name, cause });
    }
  }
  return {
    find: (name) => kept.get(name),
    all: () => [...kept.values()],
    async save(plan, issued) {
      const certificate = checkIssued(ctx, plan, issued);
      await write(ctx, certificate);
      kept.set(plan.name, certificate);
      return certificate;
    },
    async remove(name) {
      kept.delete(name);
      await ctx.db.transaction((tx) => tx.delete(certificates).where(eq(certificates.name, name)));
    },
  };
}

async function write(ctx: Ctx, { key, ...certificate }: StoredCertificate): Promise<void> {
  const row = {
    ...certificate,
    names: [...certificate.names],
    sealedKey: Buffer.from(seal(ctx.secret, PURPOSE, key)),
    issuedAt: ctx.now(),
  };
  await ctx.db.transaction((tx) =>
    tx.insert(certificates).values(row).onConflictDoUpdate({ target: certificates.name, set: row }),
  );
}

/** Reads a chain and refuses one that could not be served for what was asked for. */
function checkIssued(ctx: Ctx, { name, names }: Plan, { chain, key }: Issued): StoredCertificate {
  const refuse = (problem: string) => fail("certificate_failed", { name, problem });
  const blocks = chain.match(CERTIFICATE) ?? [];
  const leaf = blocks[0] === undefined ? undefined : parseCertificate(blocks[0]);
  if (!leaf) throw refuse("the authority sent no certificate that can be read");
  const held = (leaf.subjectAltName ?? "")
    .split(", ")
    .flatMap((entry) => (entry.startsWith("DNS:") ? entry.slice(4).toLowerCase() : []));
  if (!names.every((wanted) => held.includes(wanted) || covers(held, wanted)))
    throw refuse("the authority sent a certificate for other names");
  if (!leaf.checkPrivateKey(createPrivateKey(key)))
    throw refuse("the authority sent a certificate for another key");
  const [notBefore, notAfter] = [new Date(leaf.validFrom), new Date(leaf.validTo)];
  const issuer = ctx.config["acme.directory"];
  return { name, names: held, chain: `${blocks.join("\n")}\n`, key, notBefore, notAfter, issuer };
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/**
 * When a certificate is due for renewal: after two thirds of its life, and up to a twentieth of it earlier, by its name, so that
 * what was got in one hour is not renewed in one hour.
 */
export function renewalOf(certificate: StoredCertificate): Date {
  const { name, notBefore, notAfter } = certificate;
  const life = notAfter.getTime() - notBefore.getTime();
  const early = (Bun.hash.crc32(name) % 1000) / 1000 / 20;
  return new Date(notBefore.getTime() + life * (2 / 3 - early));
}
