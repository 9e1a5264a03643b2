import type { Actor } from "#accounts/actor.ts";
import type { TokenInfo } from "#accounts/model.ts";
import { listTokensWithin } from "#accounts/tokens.ts";
import type { Page, PageRequest } from "#http/page.ts";
import type { Ctx } from "#store/ctx.ts";

import { requireSite } from "../rights.ts";

/**
 * The keys that the asking account made for one site: its tokens that may do nothing elsewhere, with their last use, newest
 * first. They are made and revoked as tokens are.
 *
 * @throws unauthenticated, scope_missing, site_not_found
 */
export async function listSiteKeys(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  page: PageRequest,
): Promise<Page<TokenInfo>> {
  const { site, actor: known } = await requireSite(ctx, actor, name, {
    action: "list the keys of",
    role: "viewer",
    scope: "account",
  });
  const scopes = ["deploy", "site", "stats"].map((kind) => `${kind}:${site.name}`);
  return listTokensWithin(ctx, known.userId, scopes, page);
}
