/**
 * `src/sites/domains` is custom domains: claims, proofs by DNS, and their checks.
 * Its routes, the pages, jobs and `src/tls` call it. It must never lead a host to a site without a proof of the account.
 */
import { and, asc, eq, gt } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { type PageRequest, toPage } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { hostUrl, sitesDomain } from "../addresses.ts";
import type { Domain, DomainPage } from "../model.ts";
import { requireSite, type SiteRow } from "../rights.ts";
import { domains } from "../tables.ts";
import { readCertificateStates } from "./domain-certificates.ts";
import { normalizeHost } from "./domain-host.ts";
import { proofRecord } from "./domain-proof.ts";

/** A row of the table of domains. */
export type DomainRow = typeof domains.$inferSelect;

/** The domains of a site by host, pending ones among them. @throws site_not_found, scope_missing, unauthenticated */
export async function listDomains(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  page: PageRequest,
): Promise<DomainPage> {
  const { site } = await requireSite(ctx, actor, name, LOOK);
  const after = String(page.cursor?.[0] ?? "");
  const rows = await ctx.db.read
    .select()
    .from(domains)
    .where(and(eq(domains.siteId, site.id), gt(domains.host, after)))
    .orderBy(asc(domains.host))
    .limit(page.limit + 1);
  const items = await toDomains(ctx, site, rows);
  return toPage(
    items,
    page,
    (item) => item,
    ({ host }) => [host],
  );
}

/** One domain of a site. @throws domain_not_found, site_not_found, scope_missing, unauthenticated */
export async function readDomain(
  ctx: Ctx,
  actor: Actor | undefined,
  target: { site: string; host: string },
): Promise<Domain> {
  const { site } = await requireSite(ctx, actor, target.site, LOOK);
  return toDomain(ctx, site, await readDomainRow(ctx, site, target.host));
}

const LOOK = { action: "look at the domains of", role: "viewer", scope: "site" } as const;

/** The row of a host of a site, pending or not; inside a transaction what that sees. @throws domain_not_found */
export async function readDomainRow(ctx: Ctx, site: SiteRow, input: string): Promise<DomainRow> {
  const row = await findDomainRow(ctx, site, normalizeHost(input) ?? "");
  if (!row) throw fail("domain_not_found", { site: site.name, host: printable(input) });
  return row;
}

/** The row of a parsed host of a site, if it claims that host. */
export async function findDomainRow(
  ctx: Ctx,
  site: Pick<SiteRow, "id">,
  host: string,
): Promise<DomainRow | undefined> {
  const [row] = await ctx.db.read
    .select()
    .from(domains)
    .where(and(eq(domains.host, host), eq(domains.siteId, site.id)));
  return row;
}

/** A domain as the API tells it. */
export async function toDomain(ctx: Ctx, site: SiteRow, row: DomainRow): Promise<Domain> {
  const [domain] = await toDomains(ctx, site, [row]);
  if (!domain) throw fail("domain_not_found", { site: site.name, host: row.host });
  return domain;
}

async function toDomains(ctx: Ctx, site: SiteRow, rows: readonly DomainRow[]): Promise<Domain[]> {
  const certificateOf = await readCertificateStates(
    ctx,
    rows.map(({ host }) => host),
  );
  const target = `${site.name}.${sitesDomain(ctx)}`;
  return rows.map(({ host, state, proof, problem, createdAt, verifiedAt, checkedAt }) => ({
    host,
    state,
    url: hostUrl(ctx, host),
    record: proofRecord(host),
    value: proof,
    target,
    problem,
    ...certificateOf(host),
    createdAt: createdAt.toISOString(),
    verifiedAt: verifiedAt?.toISOString() ?? null,
    checkedAt: checkedAt?.toISOString() ?? null,
  }));
}
