import { fail, toLandError } from "#base/errors.ts";
import { createTurns } from "#base/turns.ts";
import { createRateLimiter } from "#http/rate.ts";
import type { Ctx } from "#store/ctx.ts";

import { forgetFailures, noteFailure, requireAttempt } from "./acme-attempts.ts";
import { openAcmeClient } from "./acme-client.ts";
import { orderCertificate } from "./acme-order.ts";
import type { Plan } from "./acme-plan.ts";
import type { CertificateStore, StoredCertificate } from "./acme-store.ts";
import { within } from "./within.ts";

/** Gets certificates from the authority, each name once at a time. */
export type Issuer = {
  /** A new certificate, kept in the store before it resolves. @throws certificate_failed */
  issue: (plan: Plan, purpose: Purpose) => Promise<StoredCertificate>;
  /** Gives up what is under way and waits for its end, three seconds at most. */
  stop: () => Promise<void>;
};

/** Whether a visitor asked for a name of a site, or we need it: for our own names, or to renew what is served. Both count apart. */
export type Purpose = "visitor" | "upkeep";

const AT_ONCE = 4;
/** For a program of the operator that takes a record away. */
const STOP_MS = 3000;
const HOUR_SECONDS = 3600;
/** One account gets this part of what visitors may ask for. */
const ACCOUNTS = 3;

/**
 * Makes an issuer. What bounds it: one attempt per name at a time, a wait per name after failures, `acme.certificatesPerHour`
 * for all together and a third of it for the sites of one account, four at once. What visitors ask for, who may come for any number of names that fail, leaves renewals their share.
 */
export function createIssuer(ctx: Ctx, store: () => Promise<CertificateStore>): Issuer {
  const flights = new Map<string, Promise<StoredCertificate>>();
  const limiter = createRateLimiter(ctx.now);
  const turns = createTurns(AT_ONCE);
  const aborter = new AbortController();

  const take = (key: string, limit: number): boolean =>
    limiter.take(key, { limit, windowSeconds: HOUR_SECONDS }).ok;

  function takeShare({ name, account }: Plan, purpose: Purpose): void {
    const limit = ctx.config["acme.certificatesPerHour"];
    const refuse = (problem: string) => fail("certificate_failed", { name, problem });
    if (purpose === "visitor" && account !== undefined) {
      if (!take(`visitor ${account}`, Math.ceil(limit / ACCOUNTS)))
        throw refuse("too many were asked for this hour for sites of one account");
    }
    if (!take(purpose, limit)) throw refuse("too many were asked for this hour");
  }

  async function obtain(plan: Plan, purpose: Purpose): Promise<StoredCertificate> {
    const { name, names, method } = plan;
    await requireAttempt(ctx, name);
    takeShare(plan, purpose);
    return turns(purpose, async () => {
      try {
        const { "acme.directory": directory, "acme.caFile": caFile } = ctx.config;
        const client = openAcmeClient({ name, directory, caFile, signal: aborter.signal });
        const issued = await orderCertificate(ctx, client, names, method);
        const certificate = await (await store()).save(plan, issued);
        await forgetFailures(ctx, name);
        ctx.log.info("certificate issued", { name, until: certificate.notAfter.toISOString() });
        return certificate;
      } catch (cause) {
        if (!aborter.signal.aborted) await tell(ctx, name, cause);
        throw cause;
      }
    });
  }

  return {
    issue(plan, purpose) {
      const flying = flights.get(plan.name);
      if (flying) return flying;
      const flight = obtain(plan, purpose).finally(() => flights.delete(plan.name));
      flights.set(plan.name, flight);
      // Nobody may be waiting for it any more when it fails, which was told by then.
      flight.catch(() => undefined);
      return flight;
    },
    async stop() {
      aborter.abort();
      await within(STOP_MS, Promise.allSettled(flights.values()));
    },
  };
}

/** Keeps why an attempt failed, and logs it. */
async function tell(ctx: Ctx, name: string, cause: unknown): Promise<void> {
  const error = toLandError(cause);
  const nextAt = await noteFailure(ctx, name, error);
  const fields = { name, problem: error.message, nextAt: nextAt.toISOString() };
  if (error.code === "internal") ctx.log.error("certificate failed", { ...fields, cause });
  else ctx.log.warn("certificate failed", fields);
}
