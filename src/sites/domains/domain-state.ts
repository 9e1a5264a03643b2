import { and, eq, ne } from "drizzle-orm";

import type { SiteName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Tx } from "#store/db.ts";

import { domains, sites } from "../tables.ts";
import { holdsTxt } from "./dns.ts";
import type { ProofCheck } from "./domain-proof.ts";
import { type DomainRow, findDomainRow } from "./domains.ts";

/** What a check of a proof came to. `taken`: the proof stands, and so does that of the site that has the host. */
export type Outcome = "proven" | "taken" | "unproven" | "removed";

const DAY_MS = 86_400_000;

type Told = { event: "domain.verified" | "domain.removed"; siteId: number };

/**
 * Writes what a check of a claim's proof found, in one transaction, and tells who must know.
 *
 * A host that is served goes on being served while its proof stands, while nobody can tell, and for `domains.graceDays` after it
 * was found gone; only then may another account, whose proof stands, have it.
 */
export async function applyCheck(
  ctx: Ctx,
  claim: Pick<DomainRow, "host" | "siteId" | "proof">,
  check: ProofCheck,
): Promise<Outcome> {
  const told: Told[] = [];
  const outcome = await ctx.db.transaction(async (tx): Promise<Outcome> => {
    const row = await findDomainRow(ctx, { id: claim.siteId }, claim.host);
    // Removed, or removed and claimed anew by somebody else, while DNS was asked.
    if (!row || row.proof !== claim.proof) return "removed";
    if (check.kind === "unreachable") await write(ctx, tx, row, { problem: check.problem });
    else if (check.kind === "gone") await noteGone(ctx, tx, row, check.problem, told);
    else return noteStanding(ctx, tx, row, check.strings, told);
    return "unproven";
  });
  for (const { event, siteId } of told) await tell(ctx, event, siteId, claim.host);
  return outcome;
}

/** The proof stands: the host is the site's, unless another site has it by right. */
async function noteStanding(
  ctx: Ctx,
  tx: Tx,
  row: DomainRow,
  strings: readonly string[],
  told: Told[],
): Promise<Outcome> {
  const [holder] = await tx
    .select()
    .from(domains)
    .where(and(eq(domains.host, row.host), ne(domains.state, "pending")));
  if (holder && holder.siteId !== row.siteId) {
    if (!holdsTxt(strings, holder.proof))
      await noteGone(ctx, tx, holder, `its TXT record was replaced by another account's`, told);
    if (!told.some(({ siteId }) => siteId === holder.siteId)) {
      await write(ctx, tx, row, { problem: "another site of this server has it" });
      return "taken";
    }
  }
  if (row.state === "pending") told.push({ event: "domain.verified", siteId: row.siteId });
  await write(ctx, tx, row, {
    state: "verified",
    problem: null,
    failingSince: null,
    verifiedAt: row.verifiedAt ?? ctx.now(),
  });
  return "proven";
}

/** The proof is gone: a served host is failing, and at the end of its grace pending again. */
async function noteGone(
  ctx: Ctx,
  tx: Tx,
  row: DomainRow,
  problem: string,
  told: Told[],
): Promise<void> {
  if (row.state === "pending") return write(ctx, tx, row, { problem });
  const failingSince = row.failingSince ?? ctx.now();
  const ends = failingSince.getTime() + ctx.config["domains.graceDays"] * DAY_MS;
  if (ctx.now().getTime() < ends)
    return write(ctx, tx, row, { state: "failing", problem, failingSince });
  told.push({ event: "domain.removed", siteId: row.siteId });
  await write(ctx, tx, row, {
    state: "pending",
    problem,
    failingSince: null,
    verifiedAt: null,
  });
}

async function write(ctx: Ctx, tx: Tx, row: DomainRow, changes: Partial<DomainRow>): Promise<void> {
  await tx
    .update(domains)
    .set({ ...changes, checkedAt: ctx.now() })
    .where(and(eq(domains.host, row.host), eq(domains.siteId, row.siteId)));
}

/** Tells of a host that leads to a site from now on, or no longer. Nothing where the site is gone, which was told. */
async function tell(ctx: Ctx, event: Told["event"], siteId: number, host: string): Promise<void> {
  const [row] = await ctx.db.read
    .select({ site: sites.name })
    .from(sites)
    .where(eq(sites.id, siteId));
  if (row) announce(ctx, event, row.site, host);
}

/** Emits what changed with a host, and that visitors of the site get something else. */
export function announce(ctx: Ctx, event: Told["event"], site: SiteName, host: string): void {
  ctx.hooks.emit(event, { site, host });
  ctx.hooks.emit("site.changed", { site });
}
