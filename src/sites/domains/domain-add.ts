import { count, eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import type { Domain } from "../model.ts";
import { requireSite, type SiteRow } from "../rights.ts";
import { domains } from "../tables.ts";
import { parseDomainHost } from "./domain-host.ts";
import { makeProof } from "./domain-proof.ts";
import { type DomainRow, findDomainRow, readDomainRow, toDomain } from "./domains.ts";

/**
 * Claims a host for a site: pending, until the account's own TXT record stands in DNS. Any number of sites may claim a host. A host
 * that the site claims already is answered as it is.
 *
 * @throws domain_refused, quota_exceeded, site_not_found, site_role, scope_missing, unauthenticated
 */
export async function addDomain(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  input: { host: string },
): Promise<Domain> {
  const need = { action: "add a domain to", role: "developer", scope: "site" } as const;
  const access = await requireSite(ctx, actor, name, need);
  const host = parseDomainHost(ctx.config, input.host);
  const proof = await makeProof(ctx, access.actor.userId, host);
  return ctx.db.transaction(async (tx) => {
    const { site, actor: owner } = await requireSite(ctx, actor, name, need);
    const row =
      (await findDomainRow(ctx, site, host)) ??
      (await insertClaim(ctx, tx, site, { host, proof, userId: owner.userId }));
    return toDomain(ctx, site, row);
  });
}

async function insertClaim(
  ctx: Ctx,
  tx: Tx,
  site: SiteRow,
  claim: Pick<DomainRow, "host" | "proof" | "userId">,
): Promise<DomainRow> {
  const limit = ctx.config["domains.perSite"];
  const [row] = await tx
    .select({ claimed: count() })
    .from(domains)
    .where(eq(domains.siteId, site.id));
  const needed = (row?.claimed ?? 0) + 1;
  if (needed > limit)
    throw fail("quota_exceeded", { what: `"${site.name}"`, limit, needed, unit: "domains" });
  const values = { ...claim, siteId: site.id, state: "pending" as const, createdAt: ctx.now() };
  await tx.insert(domains).values(values);
  return readDomainRow(ctx, site, claim.host);
}
