import type { Actor } from "#accounts/actor.ts";
import type { Ctx } from "#store/ctx.ts";
import { type ExportFormat, exportTraffic } from "#traffic/export.ts";
import type { Traffic } from "#traffic/model.ts";
import { readTraffic } from "#traffic/series.ts";

import { requireSite } from "../rights.ts";

const NEED = { action: "see the traffic of", role: "viewer", scope: "stats" } as const;

/** The traffic of a site, for its members. @throws unauthenticated, scope_missing, site_not_found, invalid_input */
export async function readSiteTraffic(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  days: number,
): Promise<Traffic> {
  const { site } = await requireSite(ctx, actor, name, NEED);
  return readTraffic(ctx, site.id, days);
}

/** All counts of a site as a file, for its members. @throws unauthenticated, scope_missing, site_not_found, invalid_input */
export async function exportSiteTraffic(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  { days, format }: { days: number; format: ExportFormat },
): Promise<ReadableStream<Uint8Array>> {
  const { site } = await requireSite(ctx, actor, name, NEED);
  return exportTraffic(ctx, site.id, days, format);
}
