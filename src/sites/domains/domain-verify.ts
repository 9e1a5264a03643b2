import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Domain } from "../model.ts";
import { requireSite } from "../rights.ts";
import { parseDomainHost } from "./domain-host.ts";
import { checkProof, proofRecord } from "./domain-proof.ts";
import { applyCheck } from "./domain-state.ts";
import { readDomainRow, toDomain } from "./domains.ts";

/**
 * Asks DNS for the proof of a domain and answers it once it is verified; from then on it is served. What was found is kept
 * also where it fails.
 *
 * @throws domain_unproven, domain_taken, domain_not_found, domain_refused, site_not_found, site_role, scope_missing, unauthenticated
 */
export async function verifyDomain(
  ctx: Ctx,
  actor: Actor | undefined,
  target: { site: string; host: string },
): Promise<Domain> {
  const need = { action: "verify a domain of", role: "developer", scope: "site" } as const;
  const { site } = await requireSite(ctx, actor, target.site, need);
  const row = await readDomainRow(ctx, site, target.host);
  // The server may have got the name for itself since it was claimed.
  parseDomainHost(ctx.config, row.host);
  const check = await checkProof(ctx, row);
  const outcome = await applyCheck(ctx, row, check);
  const { host, proof: value } = row;
  if (outcome === "taken") throw fail("domain_taken", { host });
  if (outcome === "unproven")
    throw fail("domain_unproven", {
      host,
      record: proofRecord(host),
      value,
      problem: check.problem,
    });
  // Where it was removed meanwhile, it is not found.
  return toDomain(ctx, site, await readDomainRow(ctx, site, host));
}
