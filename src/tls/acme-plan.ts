import type { ServerConfig } from "#base/config.ts";
import { isSiteName } from "#base/names.ts";
import { isPublicHost } from "#sites/domain-host.ts";
import { isServedDomain, isSite } from "#sites/domain-served.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Method } from "./acme-order.ts";
import { covers } from "./certificate.ts";

/** Which certificate serves a name, and how it is got. */
export type Plan = {
  /** Under which it is kept: a host, or `*.domain`. */
  name: string;
  names: readonly string[];
  method: Method;
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

/** The plan for a server name, asked of the database where it is not our own; undefined: there is nothing of that name. */
export async function findPlan(ctx: Ctx, host: string): Promise<Plan | undefined> {
  const own = ownPlans(ctx.config).find(({ names }) => covers(names, host));
  if (own) return own;
  const { domain, sitesDomain } = siteDomains(ctx.config);
  if (host.endsWith(`.${sitesDomain}`)) {
    const label = host.slice(0, -sitesDomain.length - 1);
    const exists = isPublicHost(host) && isSiteName(label) && (await isSite(ctx, label));
    return exists ? planFor(host) : undefined;
  }
  const foreign = host !== sitesDomain && !host.endsWith(`.${domain}`) && isPublicHost(host);
  return foreign && (await isServedDomain(ctx, host)) ? planFor(host) : undefined;
}

function planFor(host: string): Plan {
  return { name: host, names: [host], method: "http-01" };
}

function siteDomains({ domain, sitesDomain }: ServerConfig) {
  return { domain, sitesDomain: sitesDomain || domain };
}
