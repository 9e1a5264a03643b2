import type { Actor } from "#accounts/actor.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Domain } from "../model.ts";
import { requireSite } from "../rights.ts";
import { addDomain } from "./domain-add.ts";
import { normalizeHost } from "./domain-host.ts";
import { verifyDomain } from "./domain-verify.ts";
import { findDomainRow } from "./domains.ts";

/**
 * Claims a domain where the site does not claim it yet, else verifies it: what one address of the API does.
 *
 * @throws domain_refused, quota_exceeded, domain_unproven, domain_taken, domain_not_found, site_not_found, site_role, scope_missing, unauthenticated
 */
export async function claimOrVerifyDomain(
  ctx: Ctx,
  actor: Actor | undefined,
  target: { site: string; host: string },
): Promise<Domain> {
  const need = { action: "add a domain to", role: "developer", scope: "site" } as const;
  const { site } = await requireSite(ctx, actor, target.site, need);
  const host = normalizeHost(target.host);
  const known = host !== undefined && (await findDomainRow(ctx, site, host));
  return known ? verifyDomain(ctx, actor, target) : addDomain(ctx, actor, target.site, target);
}
