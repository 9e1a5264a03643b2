import type { Actor } from "#accounts/actor.ts";
import type { Ctx } from "#store/ctx.ts";
import type { ExportFormat } from "#traffic/export.ts";

import { exportSiteTraffic } from "./traffic.ts";

/** All counts of a site as the answer of a download. @throws unauthenticated, scope_missing, site_not_found, invalid_input */
export async function answerTrafficFile(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  about: { days: number; format: ExportFormat },
): Promise<Response> {
  const { format } = about;
  return new Response(await exportSiteTraffic(ctx, actor, name, about), {
    headers: {
      "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson",
      "content-disposition": `attachment; filename="${name}-traffic.${format}"`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}
