import type { Ctx } from "#store/ctx.ts";

import { forgetOldFailures } from "./acme-attempts.ts";
import { answerChallenge, forgetOldChallenges } from "./acme-challenges.ts";
import { createIssuer, type Issuer } from "./acme-issue.ts";
import { createMisses } from "./acme-misses.ts";
import { findPlan, ownPlans, type Plan, takesOnePerSite } from "./acme-plan.ts";
import {
  type CertificateStore,
  openCertificateStore,
  renewalOf,
  type StoredCertificate,
} from "./acme-store.ts";
import { type AcmeSource, covers } from "./certificate.ts";
import { within } from "./within.ts";

/** How long a handshake may wait for a certificate that is being got. */
const HANDSHAKE_MS = 15_000;

/**
 * Certificates of the authority at `acme.directory`: of our own names, and of the names of sites when they are first asked for. A
 * name that the database does not know costs one look-up and no order. What is in the store is served whatever happens to the
 * authority or the database.
 */
export function createAcmeSource(ctx: Ctx): AcmeSource {
  const misses = createMisses(ctx);
  let opened: Promise<CertificateStore> | undefined;
  const store = (): Promise<CertificateStore> => {
    opened ??= openCertificateStore(ctx).catch((cause: unknown) => {
      // The next one tries again.
      opened = undefined;
      throw cause;
    });
    return opened;
  };
  const issuer = createIssuer(ctx, store);
  if (takesOnePerSite(ctx.config))
    ctx.log.warn("one certificate for each site", {
      domain: ctx.config.sitesDomain || ctx.config.domain,
      hint: "an authority gives few for one domain a week; with acme.dnsHook one wildcard serves all sites",
    });

  async function planOf(host: string): Promise<Plan | undefined> {
    if (misses.has(host)) return undefined;
    const plan = await findPlan(ctx, host);
    if (!plan) misses.add(host);
    return plan;
  }
  async function find(host: string): Promise<StoredCertificate | undefined> {
    const kept = await store();
    let plan: Plan | undefined;
    try {
      plan = await planOf(host);
    } catch (cause) {
      ctx.log.error("names of sites cannot be read", { cause });
      return kept.all().find((certificate) => isGood(ctx, certificate, [host]));
    }
    if (!plan) return undefined;
    const certificate = kept.find(plan.name);
    if (isGood(ctx, certificate, plan.names)) return certificate;
    const isOwn = ownPlans(ctx.config).some(({ name }) => name === plan.name);
    const issued = issuer.issue(plan, isOwn ? "upkeep" : "visitor").catch(() => undefined);
    // One that ended is still better than none: a visitor is told of it and not just cut off.
    return (await within(HANDSHAKE_MS, issued)) ?? certificate;
  }
  return {
    find,
    answerChallenge: (request) => answerChallenge(ctx, request),
    warm: async () => {
      await getOwn(ctx, await store(), issuer);
    },
    renewDue: async () => {
      await renewDue(ctx, await store(), issuer);
    },
    async stop() {
      misses.stop();
      await issuer.stop();
    },
  };
}

/** Gets the certificates of our own names that are not there. Failures are logged and tried again later. */
async function getOwn(ctx: Ctx, kept: CertificateStore, issuer: Issuer): Promise<void> {
  const missing = ownPlans(ctx.config).filter(
    ({ name, names }) => !isGood(ctx, kept.find(name), names),
  );
  await Promise.allSettled(missing.map((plan) => issuer.issue(plan, "upkeep")));
}

/** Renews what is due, drops what ended and leads nowhere, and gets what is missing of our own. */
async function renewDue(ctx: Ctx, kept: CertificateStore, issuer: Issuer): Promise<void> {
  const now = ctx.now();
  const directory = ctx.config["acme.directory"];
  const own = ownPlans(ctx.config);
  for (const certificate of kept.all()) {
    const { name, issuer: from, notAfter } = certificate;
    if (from === directory && renewalOf(certificate) > now) continue;
    const plan = own.find((each) => each.name === name) ?? (await findPlan(ctx, name));
    if (plan?.name === name) await Promise.allSettled([issuer.issue(plan, "upkeep")]);
    else if (notAfter <= now) await kept.remove(name);
  }
  await getOwn(ctx, kept, issuer);
  await forgetOldChallenges(ctx);
  await forgetOldFailures(ctx);
}

function isGood(
  ctx: Ctx,
  certificate: StoredCertificate | undefined,
  names: readonly string[],
): certificate is StoredCertificate {
  if (!certificate || certificate.notAfter <= ctx.now()) return false;
  const held = certificate.names;
  return names.every((name) => held.includes(name) || covers(held, name));
}
