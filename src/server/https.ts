import { fail } from "#base/errors.ts";
import { isServedDomain, isSite } from "#sites/domains/domain-served.ts";
import type { Ctx } from "#store/ctx.ts";
import { createAcmeSource } from "#tls/acme.ts";
import type { AcmeSource, CertificateSource } from "#tls/certificate.ts";
import { combineSources } from "#tls/combine.ts";
import { createDevSource } from "#tls/dev.ts";
import { createFileSource } from "#tls/files.ts";

import { destinationOf } from "./edge.ts";
import type { Job } from "./jobs.ts";
import { isLocalName } from "./tls.ts";

/** Where the certificates of this server come from. */
export type Certificates = {
  source: CertificateSource;
  acme: AcmeSource | undefined;
  jobs: Job[];
};

const HOUR_MS = 3_600_000;
const SOON_MS = 5000;

/** Opens the sources that `tls` names: files come first where they fit. @throws config_invalid, file_failed */
export async function openCertificates(
  ctx: Ctx,
  writeErr: (text: string) => void,
): Promise<Certificates | undefined> {
  const { tls } = ctx.config;
  if (tls === "off") return undefined;
  if (tls === "acme" && isLocalName(ctx.config.domain))
    throw fail("config_invalid", {
      key: "tls",
      source: "the settings",
      problem: `no authority gives certificates for "${ctx.config.domain}": set domain, or use dev`,
    });
  if (tls === "files" && ctx.config["tls.certificates"].length === 0)
    throw fail("config_invalid", {
      key: "tls.certificates",
      source: "the settings",
      problem: "tls is files, so name at least one `<chain.pem> <key.pem>`",
    });
  const files = await createFileSource(ctx);
  if (tls === "files") return { source: files, acme: undefined, jobs: [] };
  if (tls === "dev") {
    const dev = await createDevSource(ctx, { knows: (host) => knowsHost(ctx, host), writeErr });
    return { source: combineSources(files, dev), acme: undefined, jobs: [] };
  }
  const acme = createAcmeSource(ctx);
  const jobs = [
    { name: "own certificates", everyMs: HOUR_MS, firstMs: 0, run: () => acme.warm() },
    { name: "certificates", everyMs: HOUR_MS, firstMs: SOON_MS, run: () => acme.renewDue() },
  ];
  return { source: combineSources(files, acme), acme, jobs };
}

/** Whether a host leads to something of this server. */
async function knowsHost(ctx: Ctx, host: string): Promise<boolean> {
  const destination = destinationOf(host, ctx.config);
  if (destination.kind === "own") return true;
  if (destination.kind === "site") return isSite(ctx, destination.site);
  return destination.kind === "other" && isServedDomain(ctx, destination.host);
}
