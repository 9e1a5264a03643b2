import type { ServerConfig } from "#base/config.ts";
import { isSiteName } from "#base/names.ts";
import { isPublicHost } from "#sites/domains/domain-host.ts";
import { findMaker } from "#sites/domains/domain-served.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Method } from "./acme-order.ts";
import { covers } from "./certificate.ts";

/** Which certificate serves a name, and how it is got. */
export type Plan = {
  /** Under which it is kept: a host, or `*.domain`. */
  name: string;
  names: readonly string[];
  method: Method;
  /** Whose site the certificate is for; undefined for our own names, null where the account is gone. */
  account?: number | null;
};

/**
 * The certificates of the server's own names. With `acme.dnsHook` one wildcard serves all sites; without it each site gets one of its
 * own when it is asked for. None for names that no authority can check.
 */
export function ownPlans(config: ServerConfig): Plan[] {
  const plans: Plan[] = [];
  const { domain, sitesDomain } = siteDomains(config);
  if (config["acme.dnsHook"] !== "" && isPublicHost(sitesDomain)) {
    const name = `*.${sitesDomain}`;
    const names = domain === sitesDomain ? [domain, name] : [name];
    plans.push({ name, names, method: "dns-01" });
  }
  for (const host of [domain, URL.parse(config.publicUrl)?.hostname ?? ""])
    if (isPublicHost(host) && !plans.some(({ names }) => covers(names, host)))
      plans.push(planFor(host));
  return plans;
}

/** Whether every site needs a certificate of its own, since none can be had for all. */
export function takesOnePerSite(config: ServerConfig): boolean {
  return config["acme.dnsHook"] === "" && isPublicHost(siteDomains(config).sitesDomain);
}

/** The plan for a server name, asked of the database where it is not our own; undefined: there is nothing of that name. */
export async function findPlan(ctx: Ctx, host: string): Promise<Plan | undefined> {
  const own = ownPlans(ctx.config).find(({ names }) => covers(names, host));
  if (own) return own;
  const { domain, sitesDomain } = siteDomains(ctx.config);
  if (host.endsWith(`.${sitesDomain}`)) {
    const label = host.slice(0, -sitesDomain.length - 1);
    const maker =
      isPublicHost(host) && isSiteName(label) ? await findMaker(ctx, { site: label }) : undefined;
    return maker && { ...planFor(host), account: maker.userId };
  }
  const foreign = host !== sitesDomain && !host.endsWith(`.${domain}`) && isPublicHost(host);
  const maker = foreign ? await findMaker(ctx, { host }) : undefined;
  return maker && { ...planFor(host), account: maker.userId };
}

function planFor(host: string): Plan {
  return { name: host, names: [host], method: "http-01" };
}

function siteDomains({ domain, sitesDomain }: ServerConfig) {
  return { domain, sitesDomain: sitesDomain || domain };
}
