import { eq } from "drizzle-orm";

import type { Actor } from "#accounts/actor.ts";
import { requireAdmin } from "#accounts/guard.ts";
import { hashPassword } from "#accounts/password.ts";
import { fail, type LandError } from "#base/errors.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Protection, Site, SiteChanges } from "../model.ts";
import { requireSite, type SiteRow } from "../rights.ts";
import { sites } from "../tables.ts";
import { toSite } from "./sites-read.ts";

const NEED = { action: "change the settings of", role: "owner", scope: "account" } as const;
/** What `verifyPassword` reads. */
const MAX_PASSWORD_BYTES = 1024;

/**
 * Changes settings of a site; what is not named stays. A password protects the site with it, and is forgotten when the site
 * gets another protection. Each change of these ends the passes that visitors have. Keys for one site change none; quotas,
 * and more requests than the server allows, are set by admins of the server.
 *
 * @throws unauthenticated, scope_missing, forbidden, site_role, site_not_found, invalid_input, rate_limited
 */
export async function updateSite(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  changes: SiteChanges,
): Promise<Site> {
  const { site: before, actor: known } = await requireSite(ctx, actor, name, NEED);
  requireRights(ctx, known, changes);
  checkGate(before, changes);
  const { password } = changes;
  // Before the transaction: a hash takes a while, and nobody else could write meanwhile.
  const passwordHash = password === undefined ? undefined : await hashPassword(password);
  const access = await ctx.db.transaction(async (tx) => {
    const { site, role } = await requireSite(ctx, actor, name, NEED);
    checkGate(site, changes);
    const [row] = await tx
      .update(sites)
      .set({ ...plainOf(changes), ...gateOf(site, changes, passwordHash), updatedAt: ctx.now() })
      .where(eq(sites.id, site.id))
      .returning();
    if (!row) throw new Error("the row of a site in this transaction is gone");
    return { site: row, role };
  });
  const { name: site, id } = access.site;
  if (isGate(changes)) ctx.hooks.emit("site.gated", { site, id });
  ctx.hooks.emit("site.changed", { site });
  return toSite(ctx, access);
}

/** Whether changes concern who may look. */
function isGate({ protection, password, maintenance }: SiteChanges): boolean {
  return protection !== undefined || password !== undefined || maintenance === true;
}

function requireRights({ config }: Ctx, actor: Actor, changes: SiteChanges): void {
  const { quotaBytes, quotaFiles, requestsPerMinute: requests } = changes;
  if (quotaBytes !== undefined || quotaFiles !== undefined) requireAdmin(actor, "set quotas");
  const limit = config["sites.requestsPerMinute"];
  // 0 is no limit at all.
  if (typeof requests === "number" && limit !== 0 && (requests === 0 || requests > limit))
    requireAdmin(actor, "allow more requests than the server does");
}

function checkGate(site: SiteRow, { protection, password }: SiteChanges): void {
  if (password !== undefined && protection !== undefined && protection !== "password")
    throw invalid(`leave it out where the protection is "${protection}"`);
  if (password !== undefined && Buffer.byteLength(password) > MAX_PASSWORD_BYTES)
    throw invalid(`use at most ${MAX_PASSWORD_BYTES} bytes`);
  if (protection === "password" && password === undefined && site.passwordHash === null)
    throw invalid("set one, since the site has none yet");
}

function invalid(problem: string): LandError {
  return fail("invalid_input", { field: "password", problem });
}

/** The columns that are set as they are sent, each by its name: a body may hold more than its schema names. */
function plainOf({
  maintenance,
  keyPrograms,
  quotaBytes,
  quotaFiles,
  requestsPerMinute,
}: SiteChanges): Partial<SiteRow> {
  return {
    ...(maintenance !== undefined && { maintenance }),
    ...(keyPrograms !== undefined && { keyPrograms }),
    ...(quotaBytes !== undefined && { quotaBytes }),
    ...(quotaFiles !== undefined && { quotaFiles }),
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
  };
}

/** The columns of the gate after a change. `gateVersion` moves with every change, so that passes made before open nothing. */
function gateOf(
  site: SiteRow,
  { protection: chosen }: SiteChanges,
  passwordHash: string | undefined,
): Partial<SiteRow> {
  const protection: Protection =
    passwordHash === undefined ? (chosen ?? site.protection) : "password";
  if (protection === site.protection && passwordHash === undefined) return {};
  return {
    protection,
    passwordHash: protection === "password" ? (passwordHash ?? site.passwordHash) : null,
    gateVersion: site.gateVersion + 1,
  };
}
